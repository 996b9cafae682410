//! The database: a table of transfers, one of checkpoints (a [`Journal`]), one of events (a [`Listener`]).

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use longhaul::core::error::FileFault;
use longhaul::core::intent::JournalOp;
use longhaul::driver::blocking::blocking;
use longhaul::driver::journal::JournalName;
use longhaul::{Event, FileFaultKind, Journal, Listener};
use rusqlite::{Connection, Result, params};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS transfers (number INTEGER PRIMARY KEY, url TEXT, path TEXT, finished INTEGER DEFAULT 0);
    -- Frames are added far more often than all are replaced: a row each, in order.
    CREATE TABLE IF NOT EXISTS checkpoints (place INTEGER PRIMARY KEY, name TEXT, frames BLOB);
    CREATE INDEX IF NOT EXISTS by_name ON checkpoints (name);
    CREATE TABLE IF NOT EXISTS events (place INTEGER PRIMARY KEY, task TEXT, what TEXT);
";

/// One transfer that the application wants done.
pub(crate) struct Row {
    pub(crate) number: i64,
    pub(crate) url: String,
    pub(crate) path: String,
}

/// One connection, used by one thread at a time.
#[derive(Clone)]
pub(crate) struct Database(Arc<Mutex<Connection>>);

impl Database {
    pub(crate) fn open(path: &str) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(TABLES)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn add(&self, url: &str, path: &str) -> Result<usize> {
        self.with(|db| db.execute("INSERT INTO transfers (url, path) VALUES (?, ?)", [url, path]))
    }

    pub(crate) fn finish(&self, number: i64) -> Result<usize> {
        self.with(|db| db.execute("UPDATE transfers SET finished = 1 WHERE number = ?", [number]))
    }

    pub(crate) fn unfinished(&self) -> Result<Vec<Row>> {
        self.with(|db| {
            let mut query = db.prepare("SELECT number, url, path FROM transfers WHERE NOT finished ORDER BY number")?;
            let rows =
                query.query_map([], |row| Ok(Row { number: row.get(0)?, url: row.get(1)?, path: row.get(2)? }))?;
            rows.collect()
        })
    }

    pub(crate) fn has_checkpoint(&self, row: &Row) -> Result<bool> {
        let name = format!("transfer-{}", row.number);
        self.with(|db| {
            db.query_row("SELECT EXISTS (SELECT 1 FROM checkpoints WHERE name = ?)", [name], |row| row.get(0))
        })
    }

    /// How many events there are that read like `what`.
    pub(crate) fn events(&self, what: &str) -> Result<i64> {
        self.with(|db| db.query_row("SELECT count(*) FROM events WHERE what LIKE ?", [what], |row| row.get(0)))
    }
}

/// Every change is a transaction; SQLite syncs each, which is more than `durable` asks for.
impl Journal for Database {
    fn run(&self, name: &JournalName, op: JournalOp, _durable: bool) -> BoxFuture<'static, Result<(), FileFault>> {
        let (database, name) = (self.clone(), name.id.clone());
        blocking(move || {
            let changed = database.with(|db| {
                let transaction = db.transaction()?;
                if !matches!(op, JournalOp::Append(_)) {
                    transaction.execute("DELETE FROM checkpoints WHERE name = ?", [&name])?;
                }
                if let JournalOp::Replace(frames) | JournalOp::Append(frames) = op {
                    let insert = "INSERT INTO checkpoints (name, frames) VALUES (?, ?)";
                    transaction.execute(insert, params![name, &frames[..]])?;
                }
                transaction.commit()
            });
            changed.map_err(fault)
        })
    }

    fn load(&self, name: &JournalName) -> BoxFuture<'static, Result<Option<Bytes>, FileFault>> {
        let (database, name) = (self.clone(), name.id.clone());
        blocking(move || {
            let rows = database.with(|db| {
                let mut query = db.prepare("SELECT frames FROM checkpoints WHERE name = ? ORDER BY place")?;
                let rows = query.query_map([name], |row| row.get::<_, Vec<u8>>(0))?;
                rows.collect::<Result<Vec<_>>>()
            });
            let rows = rows.map_err(fault)?;
            Ok((!rows.is_empty()).then(|| rows.concat().into()))
        })
    }
}

/// Called from a thread that may block.
impl Listener for Database {
    fn event(&self, event: &Event) {
        let (task, what) = (event.task.to_string(), format!("{:?}", event.kind));
        // An event that cannot be written is lost; the transfer goes on.
        let _ = self.with(|db| db.execute("INSERT INTO events (task, what) VALUES (?, ?)", [task, what]));
    }
}

fn fault(error: rusqlite::Error) -> FileFault {
    FileFault::new(FileFaultKind::Io, error.to_string())
}
