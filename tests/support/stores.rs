//! Real stores' servers for a suite, started by the oracle script and ended with the process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

/// One server of a store.
pub struct Server {
    store: String,
    pub endpoint: String,
    /// It ends when its standard input does: with this process, however that ends.
    _child: Child,
}

static SERVERS: Mutex<Vec<Server>> = Mutex::new(Vec::new());

/// Where the server is that the variable `LONGHAUL_{name}_ENDPOINT` names, or else one of our own, `store` to the script.
///
/// # Panics
/// When there is none and none can be got, with the way to get it.
pub fn endpoint(name: &str, store: &str) -> String {
    std::env::var(format!("LONGHAUL_{name}_ENDPOINT")).unwrap_or_else(|_| ours(store))
}

/// The oracle script.
pub fn script() -> Command {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut scripts = folders.map(|folder| folder.join("tests/oracles/stores.sh"));
    Command::new(scripts.find(|script| script.exists()).expect("the project's tests/oracles/stores.sh"))
}

/// The one server of a store that this process starts.
fn ours(store: &str) -> String {
    // A test that found none has panicked with the lock held; the next one finds none either and says so itself.
    let mut servers = SERVERS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(server) = servers.iter().find(|server| server.store == store) {
        return server.endpoint.clone();
    }
    let server = start(store, &[]);
    let endpoint = server.endpoint.clone();
    servers.push(server);
    endpoint
}

/// A server of its own, with options of its own.
pub fn start(store: &str, options: &[&str]) -> Server {
    let mut command = script();
    command.args(["run", store, "0"]).args(options).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let Some(port) = said.trim_end().strip_prefix("ready ") else {
        panic!(
            "this suite needs {store}, and `tests/oracles/stores.sh run {store} 0` failed as said above; \
             mend that, then run it again"
        )
    };
    Server { store: store.into(), endpoint: format!("http://127.0.0.1:{port}"), _child: child }
}

/// A request past the library, for what a test arranges: the status and the body of the answer.
pub fn ask(endpoint: &str, method: &str, target: &str, body: &str) -> (u16, Vec<u8>) {
    let host = endpoint.strip_prefix("http://").expect("arrangements are made by plain http");
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
    (status, answer.split_off(end))
}
