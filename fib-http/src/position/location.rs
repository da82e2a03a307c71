//! The value of `--position`: where the position is kept.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;

use super::file::Trust;
use super::postgres::DatabaseUrl;

/// Where the position is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Location {
    /// In memory.
    #[default]
    Memory,
    /// In a file.
    File {
        /// The file's path.
        path: PathBuf,
        /// What the service may rely on when it opens the file.
        trust: Trust,
    },
    /// In a `PostgreSQL` database, which other processes may use too.
    Postgresql(Box<DatabaseUrl>),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::File { path, trust: Trust::Written } => write!(f, "file:{}", path.display()),
            Self::File { path, trust: Trust::Synced } => write!(f, "file:{}?trust=synced", path.display()),
            Self::Postgresql(url) => url.fmt(f),
        }
    }
}

/// Why a text is not a [`Location`]. The error never repeats the text, which may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationError {
    /// The text is of no known form.
    Unknown,
    /// `file:` without a path.
    NoPath,
    /// The text after the first `?` of `file:` is not a known option.
    Option,
    /// The text is not Unicode.
    NotUnicode,
    /// A database, which this build does not support.
    Postgresql,
    /// The URL of a database is malformed, or has an unknown option.
    DatabaseUrl,
    /// The URL of a database names certificates, but asks for no encryption.
    RootsWithoutTls,
}

impl fmt::Display for LocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "expected memory, file:PATH, or postgresql://USER@HOST/DATABASE",
            Self::NoPath => "file: needs a path, as in file:/var/lib/fib-http/position",
            Self::Option => {
                "the only option after file:PATH is ?trust=synced, and a path cannot contain a question mark"
            }
            Self::NotUnicode => "expected Unicode text",
            Self::Postgresql => "this build does not support postgresql:// positions",
            Self::DatabaseUrl => {
                "expected postgresql://USER@HOST:PORT/DATABASE?OPTION=VALUE, with the options of PostgreSQL's URLs, and \
                 percent-encoded where a part has special characters"
            }
            Self::RootsWithoutTls => "sslrootcert needs sslmode=require or sslmode=verify-full",
        })
    }
}

impl std::error::Error for LocationError {}

impl std::str::FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "memory" {
            return Ok(Self::Memory);
        }
        if text.starts_with("postgresql://") || text.starts_with("postgres://") {
            return Ok(Self::Postgresql(Box::new(DatabaseUrl::parse(text)?)));
        }
        let file = text.strip_prefix("file:").ok_or(LocationError::Unknown)?;
        let (path, trust) = match file.split_once('?') {
            None => (file, Trust::Written),
            Some((path, "trust=synced")) => (path, Trust::Synced),
            Some(_) => return Err(LocationError::Option),
        };
        if path.is_empty() {
            return Err(LocationError::NoPath);
        }
        Ok(Self::File { path: path.into(), trust })
    }
}

/// Parses the flag's value. Unlike clap's own parsers, it keeps the value out of its errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocationParser;

impl TypedValueParser for LocationParser {
    type Value = Location;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Location, clap::Error> {
        let parsed = value.to_str().ok_or(LocationError::NotUnicode).and_then(str::parse);
        parsed.map_err(|error| {
            let flag = argument.map_or_else(|| "--position".to_owned(), ToString::to_string);
            let variable = argument.and_then(clap::Arg::get_env);
            let flag = match variable.filter(|name| env::var_os(name).is_some_and(|set| set == value)) {
                Some(name) => format!("{} ({flag})", name.display()),
                None => flag,
            };
            clap::Error::raw(ErrorKind::InvalidValue, format!("invalid value for '{flag}': {error}\n"))
                .with_cmd(command)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_read() {
        let file = |path: &str, trust| Location::File { path: path.into(), trust };
        for (text, location) in [
            ("memory", Location::Memory),
            ("file:a", file("a", Trust::Written)),
            ("file:/var/lib/a b", file("/var/lib/a b", Trust::Written)),
            ("file:../a?trust=synced", file("../a", Trust::Synced)),
            ("file:memory", file("memory", Trust::Written)),
        ] {
            assert_eq!(text.parse(), Ok(location.clone()), "{text}");
            assert_eq!(location.to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, error) in [
            ("", LocationError::Unknown),
            ("Memory", LocationError::Unknown),
            ("/var/lib/a", LocationError::Unknown),
            ("mysql://user:secret@host", LocationError::Unknown),
            ("file:", LocationError::NoPath),
            ("file:?trust=synced", LocationError::NoPath),
            ("file:a?", LocationError::Option),
            ("file:a?trust=written", LocationError::Option),
            ("file:a?b?trust=synced", LocationError::Option),
            #[cfg(not(feature = "postgres"))]
            ("postgresql://user:secret@host/db", LocationError::Postgresql),
            #[cfg(feature = "postgres")]
            ("postgres://user:secret@/db", LocationError::DatabaseUrl),
        ] {
            assert_eq!(text.parse::<Location>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_password_is_in_no_error() {
        let command =
            clap::Command::new("test").arg(clap::Arg::new("position").long("position").value_parser(LocationParser));
        for url in ["postgresql://user:secret@host/db?secret", "postgre://user:secret@host/db"] {
            let error = command.clone().try_get_matches_from(["test", "--position", url]).expect_err(url);
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains("--position"), "{error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }
}
