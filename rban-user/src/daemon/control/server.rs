//! Settings of the server as a whole, passed on to whoever obeys them.

use super::{Control, refused};
use crate::config::log_target;
use crate::control::value::{Answer, Class, Exception, Value};
use crate::daemon::wiring::chain;
use crate::log::NotChanged;
use crate::said::{Level, Said, Threshold};
use crate::settings::{Change, Part, Server};
use crate::store::Limits;

impl Control {
    /// Has log and store obey what has changed. The log's target is the one thing that may fail, and so comes first.
    ///
    /// # Errors
    /// Where the log cannot go; then all is as it was.
    pub(super) async fn obey_server(
        &self,
        server: &Server,
        changes: &[Change],
    ) -> Result<(), Exception> {
        let has = |part| changes.contains(&Change::Server(part));
        if has(Part::Logtarget) || (has(Part::Syslogsocket) && is_syslog(&server.logtarget)) {
            self.retarget(server).await?;
        }
        if has(Part::Loglevel) {
            let threshold = server.loglevel.parse::<Threshold>();
            let wrong = |error| Exception::new(Class::Value, chain(error));
            self.log.set_threshold(threshold.map_err(wrong)?);
        }
        if (has(Part::Dbmaxmatches) || has(Part::Dbpurgeage))
            && let Some(store) = &self.store
        {
            let limits = Limits { purge_age: server.dbpurgeage, ..Limits::default() };
            store
                .limit(server.dbmaxmatches, limits)
                .await
                .map_err(|error| refused(chain(error)))?;
        }
        Ok(())
    }

    async fn retarget(&self, server: &Server) -> Result<(), Exception> {
        let said = match log_target(&server.logtarget, &server.syslogsocket) {
            Err(error) => chain(error),
            Ok(target) => match self.log.set_target(target).await {
                Ok(()) => return Ok(()),
                Err(NotChanged::Target(_)) => return Err(no_target()), // the log has told of it
                Err(error) => chain(error),
            },
        };
        self.log.say(Said::new("server", Level::Error, said));
        Err(no_target())
    }

    /// `flushlogs`
    pub(super) async fn flush_log(&self) -> Answer {
        let flushed = self.log.flush().await.map_err(|error| refused(chain(error)))?;
        Ok(Value::Text(flushed.answer().to_owned()))
    }
}

/// In fail2ban's words.
fn no_target() -> Exception {
    refused("Failed to change log target")
}

fn is_syslog(logtarget: &str) -> bool {
    let name = logtarget.split('[').next().unwrap_or_default();
    name.trim().eq_ignore_ascii_case("SYSLOG")
}
