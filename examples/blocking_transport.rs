//! The core without any runtime: one thread, one loop, a `TcpStream` and a file. Retries, redirects, continuing a broken answer
//! and pinning the version are the core's; what is here only moves bytes.
#![allow(clippy::print_stdout, reason = "an example speaks")]
mod support;
use longhaul::core::{error::*, event::*, intent::*, provider::Head, spec::TransferKey, *};
use longhaul::http::HttpDownload;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::{fs::File, net::TcpStream, sync::Arc, thread::sleep, time::Instant};

struct Blocking(Engine, Instant, String);
impl Blocking {
    fn now(&self) -> Now {
        Now::new(Time::ZERO + self.1.elapsed(), Wall::default())
    }

    fn run(&mut self) -> End {
        loop {
            while let Some(intent) = self.0.poll_intent(self.now()) {
                match intent {
                    Intent::Http { op, request, .. } => {
                        let mut moved = Moved::default();
                        let body = self.exchange(op, &request, &mut moved);
                        let broken = |error: io::Error| Fault::new(FaultKind::Reset, Sent::Maybe, error.to_string());
                        let outcome = match body.map_err(broken) {
                            Ok(body) => Outcome::Complete { moved, body: body.into() },
                            Err(fault) => Outcome::Broken { moved, fault },
                        };
                        self.0.handle_done(op, outcome, self.now());
                    }
                    Intent::File { op, action, .. } => {
                        let failed = |error: io::Error| FileFault::new(FileFaultKind::Io, error.to_string());
                        self.0.handle_file(op, self.file(&action).map_err(failed), self.now());
                    }
                    Intent::Journal { op, .. } => self.0.handle_journal(op, Ok(()), self.now()),
                    _ => {} // nothing is in flight to be cancelled while this thread is here
                }
            }
            while let Some(event) = self.0.poll_event() {
                match event.kind {
                    EventKind::Ended(end) => return end,
                    kind => println!("{kind:?}"),
                }
            }
            sleep(self.0.poll_timeout().unwrap_or_default().since(self.now().mono));
            self.0.handle_timeout(self.now());
        }
    }

    fn exchange(&mut self, op: OpId, request: &http::Request<Body>, moved: &mut Moved) -> io::Result<Vec<u8>> {
        let host = request.uri().authority().ok_or(io::ErrorKind::InvalidInput)?.as_str();
        let mut stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Deadlines::default().idle)?;
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        write!(stream, "{} {target} HTTP/1.1\r\nhost: {host}\r\n", request.method())?;
        for (name, value) in request.headers() {
            write!(stream, "{name}: {}\r\n", value.to_str().map_err(io::Error::other)?)?;
        }
        stream.write_all(b"connection: close\r\n\r\n")?;
        let mut answer = BufReader::new(stream);
        let lines = answer.by_ref().lines().map_while(Result::ok);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let status = head.first().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("not HTTP"))?;
        let field = |line: &String| {
            let (name, value) = line.split_once(':')?;
            Some((name.parse().ok()?, value.trim().parse().ok()?))
        };
        let headers: http::HeaderMap = head.iter().skip(1).filter_map(field).collect();
        match self.0.handle_head(op, Head { status, headers: &headers }, self.now()) {
            Disposition::WriteAt { skip, offset, len, .. } => {
                io::copy(&mut answer.by_ref().take(skip), &mut io::sink())?;
                let mut file = File::options().write(true).open(&self.2)?;
                file.seek(SeekFrom::Start(offset))?;
                moved.written = io::copy(&mut answer.take(len), &mut file)?;
                Ok(Vec::new())
            }
            _ if request.method() == http::Method::HEAD => Ok(Vec::new()),
            _ => answer.take(64 << 10).bytes().collect(),
        }
    }

    fn file(&self, op: &FileOp) -> io::Result<FileReply> {
        Ok(match op {
            FileOp::Reserve { .. } => File::create(&self.2).map(|_| FileReply::Reserved { kept: false })?,
            FileOp::Publish { .. } => FileReply::Published { path: self.2.clone() },
            _ => FileReply::Done,
        })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Runtime::new()?; // for the example's own server
    let own = runtime.block_on(support::Server::start())?;
    let provider = Arc::new(HttpDownload::new(&own.url("sample.bin"))?);
    let key = TransferKey::new(Direction::Download, "sample.bin", "here");
    let mut engine = Engine::new(Config::default(), 1);
    engine.submit(Spec::new(Direction::Download, provider, key), Now::default())?;
    println!("{:?}", Blocking(engine, Instant::now(), own.path("downloaded.bin")).run());
    Ok(())
}
