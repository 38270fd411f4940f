# Nobody runs this.
