//! The URL of a database.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::position::LocationError;

/// How long the system may take to connect, unless the URL says it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// When a connection counts as broken whose other end acknowledges nothing, unless the URL says it.
const USER_TIMEOUT: Duration = Duration::from_secs(5);
const KEEPALIVE: Duration = Duration::from_secs(5);

/// The client library's time until the first keepalive, which it uses if the URL has none.
const LIBRARY_KEEPALIVE: Duration = Duration::from_secs(2 * 60 * 60);

const DEFAULT_PORT: u16 = 5432;

/// The URL of a database, in the form of `PostgreSQL`'s own clients:
/// `postgresql://USER:PASSWORD@HOST:PORT,.../DATABASE?OPTIONS`. Neither `Debug` nor `Display` shows the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl {
    config: Config,
    is_encrypted: bool,
    roots: Option<PathBuf>,
}

impl DatabaseUrl {
    /// Reads a URL. `sslmode` may be `require` or `verify-full`, which mean the same here: the server's certificate is checked,
    /// against the file `sslrootcert` if there is one. With any other mode the connection is not encrypted.
    ///
    /// # Errors
    /// [`LocationError`], which does not repeat the URL.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        let (main, options) = text.split_once('?').unwrap_or((text, ""));
        let mut roots = None;
        let mut rest = Vec::new();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslrootcert", path)) => roots = Some(PathBuf::from(decoded(path)?)),
                Some(("sslmode", "verify-full")) => rest.push("sslmode=require"),
                _ => rest.push(option),
            }
        }
        // The library's error may repeat a part of the URL.
        let parse = || format!("{main}?{}", rest.join("&")).parse::<Config>().ok();
        let config = parse().ok_or(LocationError::DatabaseUrl)?;
        let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
        let agrees = |count: usize| count <= 1 || count == hosts;
        let has_empty_host = config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(name) if name.is_empty()));
        if hosts == 0 || has_empty_host || !agrees(config.get_ports().len()) {
            return Err(LocationError::DatabaseUrl);
        }
        if !config.get_hosts().is_empty() && ![0, hosts].contains(&config.get_hostaddrs().len()) {
            return Err(LocationError::DatabaseUrl);
        }
        let is_encrypted = config.get_ssl_mode() == SslMode::Require;
        if roots.is_some() && !is_encrypted {
            return Err(LocationError::RootsWithoutTls);
        }
        Ok(Self { config, is_encrypted, roots })
    }

    /// Whether connections are encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// The file of the certificates that are trusted; without it the system's are.
    pub(super) fn roots(&self) -> Option<&PathBuf> {
        self.roots.as_ref()
    }

    /// What to connect to, host by host. `password` finds the password of a host where the URL has none.
    pub(super) fn hosts(&self, password: impl Fn(&str, u16, &Config) -> Option<String>) -> Vec<Config> {
        let all = &self.config;
        let count = all.get_hosts().len().max(all.get_hostaddrs().len());
        let one = |place: usize| {
            let mut config = Config::new();
            let port = all.get_ports().get(place).or(all.get_ports().first()).copied().unwrap_or(DEFAULT_PORT);
            config.port(port);
            let mut name = String::new();
            if let Some(&address) = all.get_hostaddrs().get(place) {
                name = address.to_string();
                config.hostaddr(address);
            }
            match all.get_hosts().get(place) {
                Some(Host::Tcp(host)) => {
                    name.clone_from(host);
                    config.host(host);
                }
                #[cfg(unix)]
                Some(Host::Unix(path)) => {
                    "localhost".clone_into(&mut name);
                    config.host_path(path);
                }
                None => {}
            }
            if let Some(user) = all.get_user() {
                config.user(user);
            }
            if let Some(database) = all.get_dbname() {
                config.dbname(database);
            }
            if let Some(options) = all.get_options() {
                config.options(options);
            }
            config.application_name(all.get_application_name().unwrap_or("fib-http"));
            config.ssl_mode(if self.is_encrypted { SslMode::Require } else { SslMode::Disable });
            config.ssl_negotiation(all.get_ssl_negotiation());
            config.channel_binding(all.get_channel_binding());
            config.connect_timeout(all.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT));
            config.tcp_user_timeout(all.get_tcp_user_timeout().copied().unwrap_or(USER_TIMEOUT));
            config.keepalives(all.get_keepalives());
            let idle = Some(all.get_keepalives_idle()).filter(|&idle| idle != LIBRARY_KEEPALIVE);
            config.keepalives_idle(idle.unwrap_or(KEEPALIVE));
            if let Some(interval) = all.get_keepalives_interval() {
                config.keepalives_interval(interval);
            }
            if let Some(retries) = all.get_keepalives_retries() {
                config.keepalives_retries(retries);
            }
            // A standby cannot be of use.
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
            if let Some(known) = all.get_password() {
                config.password(known);
            } else if let Some(found) = password(&name, port, &config) {
                config.password(found);
            }
            config
        };
        (0..count).map(one).collect()
    }
}

/// The URL without password and options.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgresql://")?;
        if let Some(user) = self.config.get_user() {
            write!(f, "{user}@")?;
        }
        for (place, config) in self.hosts(|_, _, _| None).iter().enumerate() {
            f.write_str(if place == 0 { "" } else { "," })?;
            match (config.get_hosts().first(), config.get_hostaddrs().first()) {
                (Some(Host::Tcp(host)), _) => f.write_str(host)?,
                #[cfg(unix)]
                (Some(Host::Unix(path)), _) => write!(f, "{}", path.display())?,
                (None, address) => address.map_or(Ok(()), |address| write!(f, "{address}"))?,
            }
            match config.get_ports() {
                &[port] if port != DEFAULT_PORT => write!(f, ":{port}")?,
                _ => {}
            }
        }
        self.config.get_dbname().map_or(Ok(()), |database| write!(f, "/{database}"))
    }
}

/// The text without percent-encoding.
fn decoded(text: &str) -> Result<String, LocationError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let byte = match byte {
            b'%' => digit().zip(digit()).and_then(|(high, low)| u8::try_from(16 * high + low).ok()),
            byte => Some(byte),
        };
        bytes.push(byte.ok_or(LocationError::DatabaseUrl)?);
    }
    String::from_utf8(bytes).map_err(|_| LocationError::DatabaseUrl)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> DatabaseUrl {
        DatabaseUrl::parse(text).expect(text)
    }

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (text, shown) in [
            ("postgresql://host", "postgresql://host"),
            ("postgres://me:secret@host:5433/db?sslmode=require", "postgresql://me@host:5433/db"),
            ("postgresql://me@a:1,b:2/db?connect_timeout=1&password=secret", "postgresql://me@a:1,b:2/db"),
            ("postgresql://me@[::1]:5433/db", "postgresql://me@::1:5433/db"),
        ] {
            let url = parse(text);
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("secret"), "{url:?}");
        }
        #[cfg(unix)]
        assert_eq!(parse("postgresql://me@%2Frun%2Fpg/db").to_string(), "postgresql://me@/run/pg/db");
    }

    #[test]
    fn other_urls_are_refused() {
        for text in [
            "postgresql://",
            "postgresql:///db",
            "postgresql://,/db",
            "postgresql://host:port/db",
            "postgresql://host:70000/db",
            "postgresql://a:1,b:2,c/db?port=3",
            "postgresql://host/db?unknown=1",
            "postgresql://host/db?sslmode=verify-ca",
            "postgresql://host/db?sslmode",
            "postgresql://host/db?sslmode=require&sslrootcert=%2",
            "postgresql://host/db?sslmode=require&sslrootcert=%zz",
            "postgresql://host/db?sslmode=require&sslrootcert=%ff",
        ] {
            assert_eq!(DatabaseUrl::parse(text), Err(LocationError::DatabaseUrl), "{text}");
        }
        let without_tls = DatabaseUrl::parse("postgresql://host/db?sslrootcert=a");
        assert_eq!(without_tls, Err(LocationError::RootsWithoutTls));
    }

    #[test]
    fn tls_is_used_where_the_url_asks_for_it() {
        for (options, is_encrypted, roots) in [
            ("", false, None),
            ("?sslmode=prefer", false, None),
            ("?sslmode=require", true, None),
            ("?sslmode=verify-full&sslrootcert=%2Fa%20b.pem", true, Some("/a b.pem")),
        ] {
            let url = parse(&format!("postgresql://host/db{options}"));
            assert_eq!(
                (url.is_encrypted(), url.roots()),
                (is_encrypted, roots.map(PathBuf::from).as_ref()),
                "{options}"
            );
            let mode = if is_encrypted { SslMode::Require } else { SslMode::Disable };
            assert_eq!(url.hosts(|_, _, _| None)[0].get_ssl_mode(), mode);
        }
    }

    #[test]
    fn each_host_has_its_port_and_password() {
        let find = |host: &str, port: u16, config: &Config| {
            assert_eq!((config.get_user(), config.get_dbname()), (Some("me"), Some("db")));
            Some(format!("{host} {port}"))
        };
        let hosts = parse("postgresql://me@a:1,b/db?keepalives_idle=7").hosts(find);
        for (config, password) in hosts.iter().zip(["a 1", "b 5432"]) {
            assert_eq!(config.get_password(), Some(password.as_bytes()));
            assert_eq!((config.get_hosts().len(), config.get_ports().len()), (1, 1));
            assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
            assert_eq!(config.get_connect_timeout(), Some(&CONNECT_TIMEOUT));
            assert_eq!(config.get_keepalives_idle(), Duration::from_secs(7));
        }
        assert_eq!(hosts.len(), 2);
        let given = parse("postgresql://me:given@a/db").hosts(find);
        assert_eq!(given[0].get_password(), Some(&b"given"[..]));
    }
}
