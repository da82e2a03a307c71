//! The statements, and the connections that they go over.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error, Row, Statement};
use tracing::info;

use super::passfile::Passwords;
use super::session::{Attached, Batch, Connect, Failure, Session};
use super::tls::{self, Tls};
use super::url::DatabaseUrl;
use crate::position::Position;

/// How long it may take to connect to one host and to begin a session there.
const HOST_TIMEOUT: Duration = Duration::from_secs(5);

const CREATE: &str = "
    CREATE TABLE IF NOT EXISTS fib_http_position (
        id bigint PRIMARY KEY,
        pass bigint NOT NULL,
        next_index bigint NOT NULL
    );
    CREATE TABLE IF NOT EXISTS fib_http_replica (
        replica bigint PRIMARY KEY,
        session bigint NOT NULL,
        batch bigint NOT NULL,
        pass bigint NOT NULL,
        first_index bigint NOT NULL,
        index_count bigint NOT NULL,
        seen timestamptz NOT NULL
    )";

/// Begins a session. It waits for a statement of an earlier session that has locked the row, and sees its outcome.
const ATTACH: &str = "
    INSERT INTO fib_http_replica (replica, session, batch, pass, first_index, index_count, seen)
    VALUES ($1, 1, 0, 0, 0, 0, now())
    ON CONFLICT (replica) DO UPDATE SET session = fib_http_replica.session + 1, seen = now()
    RETURNING session, batch, pass, first_index, index_count";

/// Replicas that were killed leave their rows behind.
const FORGET: &str = "DELETE FROM fib_http_replica WHERE seen < now() - interval '30 days'";

const BEGIN_AT: &str = "
    INSERT INTO fib_http_position (id, pass, next_index) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING";

const NEXT: &str = "SELECT pass, next_index FROM fib_http_position WHERE id = 1";

/// Takes a batch. It locks the replica's row first, so that it does nothing in a session that has ended.
const TAKE: &str = "
    WITH mine AS (
        SELECT replica FROM fib_http_replica WHERE replica = $1 AND session = $2 FOR UPDATE
    ), taken AS (
        UPDATE fib_http_position SET next_index = next_index + $4 FROM mine WHERE id = 1
        RETURNING fib_http_position.pass, fib_http_position.next_index - $4 AS first_index
    ), recorded AS (
        UPDATE fib_http_replica
        SET batch = $3, pass = taken.pass, first_index = taken.first_index, index_count = $4, seen = now()
        FROM taken WHERE fib_http_replica.replica = $1
        RETURNING fib_http_replica.replica
    )
    SELECT taken.pass, taken.first_index FROM taken, recorded";

const RAISE: &str = "
    UPDATE fib_http_position SET pass = $1, next_index = $2
    WHERE id = 1 AND (pass < $1 OR (pass = $1 AND next_index < $2))";

const GIVE_BACK: &str = "
    UPDATE fib_http_position SET next_index = $2 WHERE id = 1 AND pass = $1 AND next_index = $3";

const LEAVE: &str = "DELETE FROM fib_http_replica WHERE replica = $1";

/// The hosts of a database.
pub(super) struct Server {
    hosts: Vec<Config>,
    tls: Tls,
}

/// A session on one connection.
pub(super) struct ServerSession {
    client: Client,
    take: Statement,
    replica: i64,
    session: i64,
    /// Tells how the connection ended.
    ended: oneshot::Receiver<io::Error>,
    connection: AbortHandle,
}

impl Server {
    /// Reads the passwords and the certificates that `url` needs.
    pub(super) fn new(url: &DatabaseUrl) -> io::Result<Self> {
        let passwords = Passwords::of_this_user();
        let find = |host: &str, port: u16, config: &Config| {
            let user = config.get_user().unwrap_or_default();
            passwords.find(host, port, config.get_dbname().unwrap_or(user), user)
        };
        let tls = if url.is_encrypted() { Tls::trusting(url.roots().map(|path| &**path))? } else { Tls::none() };
        Ok(Self { hosts: url.hosts(find), tls })
    }

    /// A number that no other replica has.
    pub(super) fn random(&self) -> io::Result<i64> {
        tls::random()
    }
}

impl Connect for Server {
    type Session = ServerSession;

    async fn connect(&mut self, replica: i64, start: Position) -> Result<(ServerSession, Attached), Failure> {
        let mut failure = Failure::Broken(io::Error::other("there is no host"));
        for host in &self.hosts {
            let attempt = connect_to(host, self.tls.clone(), replica, start);
            let late = |_| Err(Failure::Broken(io::Error::new(io::ErrorKind::TimedOut, "it does not answer")));
            match timeout(HOST_TIMEOUT, attempt).await.unwrap_or_else(late) {
                Ok(connected) => return Ok(connected),
                // What only a person can mend matters more than a host that is out of reach.
                Err(_) if matches!(failure, Failure::Refused(_)) => {}
                Err(other) => failure = other,
            }
        }
        Err(failure)
    }
}

async fn connect_to(
    host: &Config,
    tls: Tls,
    replica: i64,
    start: Position,
) -> Result<(ServerSession, Attached), Failure> {
    let (client, connection) = host.connect(tls).await.map_err(failure)?;
    let (sender, ended) = oneshot::channel();
    let connection = spawn_local(async move {
        let error =
            connection.await.err().as_ref().map_or_else(|| io::Error::other("the connection was closed"), described);
        let _ = sender.send(error);
    });
    let connection = OnDrop(connection.abort_handle());
    let row = match client.query_one(ATTACH, &[&replica]).await {
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
            create(&client).await?;
            client.query_one(ATTACH, &[&replica]).await
        }
        row => row,
    };
    let row = row.map_err(failure)?;
    let session = integer(&row, "session")?;
    let number = integer(&row, "batch")?;
    let batch = Batch {
        number,
        first: position(&row, "first_index")?,
        count: integer(&row, "index_count")?.try_into().unwrap_or_default(),
    };
    // Not in the same statement: that one would not see what was committed while it waited for the lock.
    let next = match client.query_opt(NEXT, &[]).await.map_err(failure)? {
        Some(row) => row,
        None => {
            let index =
                i64::try_from(start.index).map_err(|_| refused("--start is more than the database can hold"))?;
            let pass = i64::try_from(start.pass).map_err(|_| refused("the pass is more than the database can hold"))?;
            if client.execute(BEGIN_AT, &[&pass, &index]).await.map_err(failure)? > 0 {
                info!("the position in the database is new, and begins at {start}");
            }
            client.query_one(NEXT, &[]).await.map_err(failure)?
        }
    };
    let next = position(&next, "next_index")?;
    client.execute(FORGET, &[]).await.map_err(failure)?;
    let take = client.prepare(TAKE).await.map_err(failure)?;
    let connection = connection.keep();
    let session = ServerSession { client, take, replica, session, ended, connection };
    Ok((session, Attached { batch: (number > 0).then_some(batch), next }))
}

/// Creates the tables. Other replicas may be doing the same at the same time, which makes the statement fail.
async fn create(client: &Client) -> Result<(), Failure> {
    match client.batch_execute(CREATE).await {
        Err(error)
            if [&SqlState::UNIQUE_VIOLATION, &SqlState::DUPLICATE_TABLE, &SqlState::DUPLICATE_OBJECT]
                .map(Some)
                .contains(&error.code()) =>
        {
            client.batch_execute(CREATE).await.map_err(failure)
        }
        created => created.map_err(failure),
    }
}

impl Session for ServerSession {
    async fn take(&mut self, number: i64, count: u64) -> Result<Option<Position>, Failure> {
        let count = i64::try_from(count).map_err(|_| refused("more requests than the database can count"))?;
        let row = self.client.query_opt(&self.take, &[&self.replica, &self.session, &number, &count]).await;
        row.map_err(failure)?.map(|row| position(&row, "first_index")).transpose()
    }

    async fn raise(&mut self, position: Position) -> Result<(), Failure> {
        let (pass, index) = encoded(position)?;
        self.client.execute(RAISE, &[&pass, &index]).await.map_err(failure)?;
        Ok(())
    }

    async fn leave(&mut self, first: Position, next: Position) -> Result<bool, Failure> {
        let (pass, first) = encoded(first)?;
        let (_, next) = encoded(next)?;
        let given_back =
            first == next || self.client.execute(GIVE_BACK, &[&pass, &first, &next]).await.map_err(failure)? > 0;
        self.client.execute(LEAVE, &[&self.replica]).await.map_err(failure)?;
        Ok(given_back)
    }

    async fn closed(&mut self) -> io::Error {
        (&mut self.ended).await.unwrap_or_else(|_| io::Error::other("the connection was closed"))
    }
}

impl Drop for ServerSession {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Ends a task unless it is kept.
struct OnDrop(AbortHandle);

impl OnDrop {
    fn keep(self) -> AbortHandle {
        let task = self.0.clone();
        std::mem::forget(self);
        task
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn integer(row: &Row, column: &str) -> Result<i64, Failure> {
    row.try_get(column).map_err(|error| Failure::Refused(described(&error)))
}

fn position(row: &Row, index: &str) -> Result<Position, Failure> {
    let unsigned =
        |column| u64::try_from(integer(row, column)?).map_err(|_| refused("the position in the database is negative"));
    Ok(Position { pass: unsigned("pass")?, index: unsigned(index)? })
}

fn encoded(position: Position) -> Result<(i64, i64), Failure> {
    let signed = |value| i64::try_from(value).map_err(|_| refused("the position is more than the database can hold"));
    Ok((signed(position.pass)?, signed(position.index)?))
}

fn refused(reason: &'static str) -> Failure {
    Failure::Refused(io::Error::other(reason))
}

/// What an error means for the protocol.
#[allow(clippy::needless_pass_by_value, reason = "it is what map_err calls")]
fn failure(error: Error) -> Failure {
    let code = error.code().map_or("", SqlState::code);
    match code {
        "40001" | "40P01" => Failure::Conflict,
        // No such database, no right to connect or to do this, or other tables than expected.
        _ if ["28", "3D", "42"].iter().any(|class| code.starts_with(class)) => Failure::Refused(described(&error)),
        _ => Failure::Broken(described(&error)),
    }
}

/// The error with its causes in one line. None of them has a password.
fn described(error: &Error) -> io::Error {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    io::Error::other(text)
}
