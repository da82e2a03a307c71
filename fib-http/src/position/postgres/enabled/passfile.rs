//! The password of a database where its URL has none: from `PGPASSWORD`, or from a password file.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tracing::warn;

/// Finds passwords.
#[derive(Debug, Default)]
pub(super) struct Passwords {
    /// For all hosts.
    fixed: Option<String>,
    lines: Vec<[String; 5]>,
}

impl Passwords {
    /// Those that the environment and the password file have. The file is the one that `PGPASSFILE` names, or `.pgpass` in the
    /// home directory.
    pub(super) fn of_this_user() -> Self {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
        if let Some(password) = variable("PGPASSWORD") {
            return Self { fixed: password.into_string().ok(), lines: Vec::new() };
        }
        let in_home = || Some(PathBuf::from(variable("HOME")?).join(".pgpass"));
        let path = variable("PGPASSFILE").map(PathBuf::from).or_else(in_home);
        path.map(|path| Self::in_file(&path)).unwrap_or_default()
    }

    fn in_file(path: &Path) -> Self {
        let Ok(text) = fs::read_to_string(path) else {
            return Self::default();
        };
        if is_open_to_others(path) {
            // PostgreSQL's own clients ignore it too.
            warn!(
                "the password file '{}' is ignored, because others may read it: its mode must be 0600",
                path.display()
            );
            return Self::default();
        }
        let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(fields);
        Self { fixed: None, lines: lines.collect() }
    }

    /// The password for a database of a host.
    pub(super) fn find(&self, host: &str, port: u16, database: &str, user: &str) -> Option<String> {
        let port = port.to_string();
        let wanted = [host, &port, database, user];
        let matches =
            |line: &&[String; 5]| line.iter().zip(wanted).all(|(field, value)| field == "*" || field == value);
        self.fixed.clone().or_else(|| self.lines.iter().find(matches).map(|[.., password]| password.clone()))
    }
}

/// The fields of `HOST:PORT:DATABASE:USER:PASSWORD`, where a backslash protects a colon or a backslash.
fn fields(line: &str) -> Option<[String; 5]> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let field = fields.last_mut()?;
        match character {
            ':' => fields.push(String::new()),
            '\\' => field.extend(characters.next()),
            character => field.push(character),
        }
    }
    fields.try_into().ok()
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_matches_counts() {
        let lines = ["a:1:db:me:one", "bad", r"*:*:*:me:t\:w\\o", "*:*:*:*:three"];
        let passwords = Passwords { fixed: None, lines: lines.into_iter().filter_map(fields).collect() };
        for (host, port, database, user, password) in
            [("a", 1, "db", "me", "one"), ("a", 2, "db", "me", r"t:w\o"), ("a", 1, "db", "you", "three")]
        {
            assert_eq!(passwords.find(host, port, database, user).as_deref(), Some(password));
        }
        assert_eq!(Passwords::default().find("a", 1, "db", "me"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_ignored() {
        use std::os::unix::fs::PermissionsExt;
        let path = env::temp_dir().join(format!("fib-http-passwords-{}", std::process::id()));
        fs::write(&path, "# a comment\n*:*:*:*:secret\n").expect("a temporary file");
        for (mode, password) in [(0o600, Some("secret")), (0o640, None), (0o604, None)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
            assert_eq!(Passwords::in_file(&path).find("a", 1, "db", "me").as_deref(), password, "{mode:o}");
        }
        fs::remove_file(&path).expect("it is ours");
        assert_eq!(Passwords::in_file(&path).find("a", 1, "db", "me"), None);
    }
}
