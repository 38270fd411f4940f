//! BPF instructions, as many of them as the benches' programs need, and those programs.

use std::os::fd::OwnedFd;

use crate::rawprog::{XDP_PASS, fd_of};

/// One instruction, as the kernel reads it.
pub type Insn = u64;

/// The register that holds results.
const R0: u8 = 0;
const R1: u8 = 1;
const R2: u8 = 2;
const R3: u8 = 3;
const R4: u8 = 4;
/// Survives calls; holds the context.
const R6: u8 = 6;

/// The end of the stack.
const R10: u8 = 10;

const CALL_LOOKUP: i32 = 1;
const CALL_PRANDOM: i32 = 7;
const CALL_TAIL: i32 = 12;
const CALL_REDIRECT_MAP: i32 = 51;

/// Gives every packet a source of its own: one of `count` consecutive addresses, at random.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// Where in the frame the last four octets of the source stand.
    pub offset: i16,
    /// The first of the addresses, its last four octets.
    pub first: u32,
    /// How many.
    pub count: u32,
    /// For IPv4, where the header's checksum stands, and the sum of the header without it and the source.
    pub checksum: Option<(i16, u16)>,
}

/// Decides nothing.
#[must_use]
pub fn constant(action: u32) -> Vec<Insn> {
    vec![mov(R0, action.cast_signed()), exit()]
}

/// Looks the `words` × 4 octets at `offset` up in a hash map, and passes the frame whatever it finds: the least that a
/// program can do which asks a map for each packet.
#[must_use]
pub fn lookup(map: &OwnedFd, offset: i16, words: i16) -> Vec<Insn> {
    let mut insns = vec![
        raw(0x61, R2, R1, 0, 0), // r2 = ctx.data
        raw(0x61, R3, R1, 4, 0), // r3 = ctx.data_end
        mov_reg(R4, R2),
        raw(0x07, R4, 0, 0, i32::from(offset + 4 * words)), // r4 += end
        raw(0xbd, R4, R3, 2, 0),                            // if r4 <= r3: two on
        mov(R0, XDP_PASS.cast_signed()),
        exit(),
    ];
    for word in 0..words {
        insns.push(raw(0x61, R4, R2, offset + 4 * word, 0)); // r4 = *(u32 *)(r2 + …)
        insns.push(raw(0x63, R10, R4, 4 * (word - words), 0)); // *(u32 *)(r10 - …) = r4
    }
    insns.extend([mov_reg(R2, R10), raw(0x07, R2, 0, 0, i32::from(-4 * words))]);
    insns.extend(load_map(R1, map));
    insns.extend([call(CALL_LOOKUP), mov(R0, XDP_PASS.cast_signed()), exit()]);
    insns
}

/// Rewrites the source, then becomes the program at index 0 of the prog array; aborts where there is none.
#[must_use]
pub fn spread_then(spread: Spread, programs: &OwnedFd) -> Vec<Insn> {
    let mut insns = rewrite(spread);
    insns.push(mov_reg(R1, R6));
    insns.extend(load_map(R2, programs));
    insns.extend([mov(R3, 0), call(CALL_TAIL), mov(R0, 0), exit()]);
    insns
}

/// Sends each frame out of the interface at `index` of the devmap, from a source of its own if so told.
#[must_use]
pub fn redirect(spread: Option<Spread>, interfaces: &OwnedFd, index: u32) -> Vec<Insn> {
    let mut insns = spread.map(rewrite).unwrap_or_default();
    insns.extend(load_map(R1, interfaces));
    insns.extend([mov(R2, index.cast_signed()), mov(R3, 0), call(CALL_REDIRECT_MAP), exit()]);
    insns
}

fn rewrite(spread: Spread) -> Vec<Insn> {
    let end = i32::from(spread.offset) + 4;
    let mut insns = vec![
        mov_reg(R6, R1),
        call(CALL_PRANDOM),
        alu32(0x94, R0, spread.count.cast_signed()), // r0 %= count
        alu32(0x04, R0, spread.first.cast_signed()), // r0 += first
        raw(0xdc, R0, 0, 0, 32),                     // r0 = htobe32(r0)
        raw(0x61, R2, R6, 0, 0),                     // r2 = ctx.data
        raw(0x61, R3, R6, 4, 0),                     // r3 = ctx.data_end
        mov_reg(R4, R2),
        raw(0x07, R4, 0, 0, end), // r4 += end
        raw(0xbd, R4, R3, 2, 0),  // if r4 <= r3: two on
        mov(R0, XDP_PASS.cast_signed()),
        exit(),
        raw(0x63, R2, R0, spread.offset, 0), // *(u32 *)(r2 + offset) = r0
    ];
    if let Some((offset, sum)) = spread.checksum {
        insns.extend([
            raw(0xbc, R1, R0, 0, 0), // w1 = w0
            alu32(0x74, R1, 16),     // w1 >>= 16
            alu32(0x54, R0, 0xffff), // w0 &= 0xffff
            raw(0x0c, R0, R1, 0, 0), // w0 += w1
            alu32(0x04, R0, sum.into()),
        ]);
        for _ in 0..2 {
            insns.extend([
                raw(0xbc, R1, R0, 0, 0), // w1 = w0
                alu32(0x74, R1, 16),     // w1 >>= 16
                alu32(0x54, R0, 0xffff), // w0 &= 0xffff
                raw(0x0c, R0, R1, 0, 0), // w0 += w1
            ]);
        }
        insns.push(alu32(0xa4, R0, 0xffff)); // w0 ^= 0xffff
        insns.push(raw(0x6b, R2, R0, offset, 0)); // *(u16 *)(r2 + offset) = w0
    }
    insns
}

fn mov(dst: u8, value: i32) -> Insn {
    raw(0xb7, dst, 0, 0, value)
}

fn mov_reg(dst: u8, src: u8) -> Insn {
    raw(0xbf, dst, src, 0, 0)
}

fn alu32(code: u8, dst: u8, value: i32) -> Insn {
    raw(code, dst, 0, 0, value)
}

fn call(helper: i32) -> Insn {
    raw(0x85, 0, 0, 0, helper)
}

fn exit() -> Insn {
    raw(0x95, 0, 0, 0, 0)
}

/// The 64-bit load that the kernel turns into the address of the map.
fn load_map(dst: u8, map: &OwnedFd) -> [Insn; 2] {
    const PSEUDO_MAP_FD: u8 = 1;
    [raw(0x18, dst, PSEUDO_MAP_FD, 0, fd_of(map).cast_signed()), 0]
}

fn raw(code: u8, dst: u8, src: u8, offset: i16, value: i32) -> Insn {
    let [low, high] = offset.to_le_bytes();
    let [a, b, c, d] = value.to_le_bytes();
    Insn::from_le_bytes([code, dst | src << 4, low, high, a, b, c, d])
}
