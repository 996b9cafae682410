//! Answers that the kernel moves to a pipe, and all that are read.

use std::future::poll_fn;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use http::Method;
use longhaul_core::error::{Fault, FaultKind, Sent};
use longhaul_driver::storage::Pipe;
use longhaul_driver::transport::{Frames, Moved, Transport, Unread};
use longhaul_hyper::HyperTransport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::nets::sends_files;
use crate::support::{self, body, builder, get, head, net, request, reset, serve, transport, within};

const LEN: usize = (5 << 20) + 17;

/// Bytes that can be told from their neighbours.
fn content(len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 51) as u8).collect()
}

fn pipe() -> Pipe {
    let (reader, writer) = std::io::pipe().unwrap();
    Pipe { reader, writer, len: 0, size: 64 << 10, counted: Arc::default() }
}

/// What is in it.
fn empty(pipe: &mut Pipe) -> Vec<u8> {
    let mut bytes = vec![0; std::mem::take(&mut pipe.len)];
    pipe.reader.read_exact(&mut bytes).unwrap();
    bytes
}

/// An answer that came with the kernel's part of it.
struct Answer {
    frames: Frames,
    unread: Unread,
    pipe: Pipe,
}

impl Answer {
    async fn of(client: &HyperTransport, url: &str) -> Self {
        let (mut head, frames) = get(client, url).await.unwrap().into_parts();
        let unread = head.extensions.remove::<Unread>().expect("is for the kernel");
        Self { frames, unread, pipe: pipe() }
    }

    async fn moved(&mut self, most: usize) -> Result<Moved, Fault> {
        let Self { unread, pipe, .. } = self;
        let moved = within(poll_fn(|cx| unread.poll_move(cx, pipe, most))).await;
        if let Ok(Moved::Bytes(bytes)) = moved {
            assert!((1..=most).contains(&bytes));
            pipe.len += bytes;
        }
        moved
    }

    /// All of it with the kernel's help: what came as frames, what came in all, and how it ended.
    async fn all(mut self) -> (usize, Vec<u8>, Result<(), Fault>) {
        self.unread.begin();
        let mut all = Vec::new();
        while let Some(frame) = within(self.frames.next()).await {
            match frame {
                Ok(frame) => all.extend_from_slice(&frame),
                Err(fault) => return (all.len(), all, Err(fault)),
            }
        }
        let read = all.len();
        loop {
            match self.moved(1 << 20).await {
                Ok(Moved::End) => return (read, all, Ok(())),
                Ok(_) => all.extend_from_slice(&empty(&mut self.pipe)),
                Err(fault) => return (read, all, Err(fault)),
            }
        }
    }
}

/// Answers any number of requests on each connection with a head and the content, and counts connections.
async fn server(head_says: &'static str) -> (String, Arc<AtomicUsize>) {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let address = serve(move |_, mut stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            stream.set_nodelay(true).unwrap();
            while head(&mut stream).await.starts_with("GET ") && answer(&mut stream, head_says).await.is_ok() {}
        }
    })
    .await;
    (format!("http://{address}/"), connections)
}

async fn answer(stream: &mut TcpStream, head_says: &str) -> std::io::Result<()> {
    stream.write_all(format!("HTTP/1.1 200 OK\r\n{head_says}content-length: {LEN}\r\n\r\n").as_bytes()).await?;
    // In pieces, so that it is waited for.
    for piece in content(LEN).chunks(1 << 20) {
        stream.write_all(piece).await?;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

async fn a_body_is_moved_and_its_connection_serves_again() {
    if !sends_files() {
        return;
    }
    let (url, connections) = server("").await;
    let client = transport();
    let mut moved = 0;
    for _ in 0..5 {
        let (read, all, end) = Answer::of(&client, &url).await.all().await;
        end.unwrap();
        assert!(all == content(LEN));
        assert!(read < LEN, "hyper has read all of it");
        moved += (LEN - read) as u64;
        assert_eq!(client.received_by_kernel(), moved);
        // One that is read by the way.
        assert!(support::fetch(&client, &url).await.unwrap() == content(LEN));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    assert_eq!(client.received_by_kernel(), moved);
}

async fn several_at_once_have_a_connection_each_and_give_it_back() {
    if !sends_files() {
        return;
    }
    let (url, connections) = server("").await;
    let client = transport();
    for _ in 0..3 {
        let answers = (0..4).map(|_| async { Answer::of(&client, &url).await.all().await });
        for (_, all, end) in futures::future::join_all(answers).await {
            end.unwrap();
            assert!(all == content(LEN));
        }
    }
    assert_eq!(connections.load(Ordering::SeqCst), 4);
}

async fn whoever_does_not_want_it_moved_reads_it() {
    if !sends_files() {
        return;
    }
    let (url, connections) = server("").await;
    let client = transport();
    for _ in 0..2 {
        let answer = Answer::of(&client, &url).await;
        let all: Vec<u8> = answer.frames.map(|frame| frame.unwrap().to_vec()).concat().await;
        assert!(all == content(LEN));
    }
    assert_eq!((connections.load(Ordering::SeqCst), client.received_by_kernel()), (1, 0));
}

async fn what_has_no_length_or_is_not_worth_it_is_read() {
    let long = "x".repeat(2 << 20);
    let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n200000\r\n{long}\r\n0\r\n\r\n");
    let old = format!("HTTP/1.0 200 OK\r\ncontent-length: {}\r\n\r\n{long}", 2 << 20);
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{long}");
    let whole = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{long}", 2 << 20);
    let short = String::from("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc");
    let nothing = String::from("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let off = || builder().by_kernel(false);
    for (answer, builder, offered) in [
        (&whole, builder(), sends_files()),
        (&chunked, builder(), false),
        (&old, builder(), false),
        (&endless, builder(), false),
        (&short, builder(), false),
        (&short, builder().by_kernel_from(3), sends_files()),
        (&nothing, builder().by_kernel_from(0), false),
        (&whole, off(), false),
        (&whole, builder().by_kernel_from(u64::MAX), false),
    ] {
        let answer = answer.clone();
        let words: String = answer.chars().take(40).collect();
        let address = serve(move |_, mut stream| {
            let answer = answer.clone();
            async move {
                head(&mut stream).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        })
        .await;
        let client = builder.build(net()).unwrap();
        let answer = get(&client, &format!("http://{address}/")).await.unwrap();
        assert_eq!(answer.extensions().get::<Unread>().is_some(), offered, "{words}");
        body(answer).await.1.unwrap();
        assert_eq!(client.received_by_kernel(), 0);
    }
}

async fn a_body_that_hyper_has_whole_ends_at_once() {
    if !sends_files() {
        return;
    }
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let address = serve(move |_, mut stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            while head(&mut stream).await.starts_with("GET ") {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde").await.unwrap();
            }
        }
    })
    .await;
    let client = builder().by_kernel_from(0).build(net()).unwrap();
    for round in 0..50 {
        let answer = Answer::of(&client, &format!("http://{address}/")).await;
        if round % 2 == 0 {
            // hyper is done with it.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let (read, all, end) = answer.all().await;
        end.unwrap();
        assert_eq!((read, all.as_slice()), (5, b"abcde".as_slice()));
    }
    assert_eq!((connections.load(Ordering::SeqCst), client.received_by_kernel()), (1, 0));
}

async fn a_connection_that_is_to_be_closed_is_not_used_again() {
    if !sends_files() {
        return;
    }
    for says in ["connection: close\r\n", "connection: x, Close\r\n"] {
        let (url, connections) = server(says).await;
        let client = transport();
        for round in 1..4 {
            let (_, all, end) = Answer::of(&client, &url).await.all().await;
            end.unwrap();
            assert!(all == content(LEN));
            assert_eq!(connections.load(Ordering::SeqCst), round, "{says}");
        }
        assert!(client.received_by_kernel() > 0);
    }
    // Or if we say so.
    let (url, connections) = server("").await;
    let client = transport();
    for round in 1..3 {
        let mut closing = request(Method::GET, &url, vec![]).0;
        closing.headers_mut().insert("connection", "close".parse().unwrap());
        let (mut head, frames) = within(client.send(closing)).await.unwrap().into_parts();
        let unread = head.extensions.remove::<Unread>().unwrap();
        Answer { frames, unread, pipe: pipe() }.all().await.2.unwrap();
        assert_eq!(connections.load(Ordering::SeqCst), round);
    }
}

async fn what_comes_behind_the_body_is_nobodys_answer() {
    if !sends_files() {
        return;
    }
    // With the last bytes, or as they are being moved, or all in what hyper reads with the head.
    for (len, at_once) in [(LEN, true), (LEN, false), (100, true)] {
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let address = serve(move |_, mut stream| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move {
                head(&mut stream).await;
                let mut said = format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n").into_bytes();
                said.extend(content(len));
                let poison = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison";
                if at_once {
                    said.extend(poison);
                    let _ = stream.write_all(&said).await;
                } else {
                    stream.write_all(&said).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    let _ = stream.write_all(poison).await;
                }
                while matches!(stream.read(&mut [0; 100]).await, Ok(1..)) {}
            }
        })
        .await;
        let client = builder().by_kernel_from(1).build(net()).unwrap();
        for round in 1..4 {
            let (_, all, end) = Answer::of(&client, &format!("http://{address}/")).await.all().await;
            end.unwrap();
            assert!(all == content(len));
            // It is in by then, and seen: in many steps, because on a busy machine one long sleep may be over all at once.
            for _ in 0..30 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(connections.load(Ordering::SeqCst), round);
        }
    }
}

async fn a_broken_body_gives_what_came_and_is_told_as_if_it_had_been_read() {
    if !sends_files() {
        return;
    }
    for by_reset in [false, true] {
        for cut in [0, 1, 1 << 20, LEN - 1] {
            let address = serve(move |_, mut stream| async move {
                head(&mut stream).await;
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {LEN}\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
                let _ = stream.write_all(&content(LEN)[..cut]).await;
                if by_reset {
                    // When the other side has read what there is.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    reset(stream);
                }
            })
            .await;
            let url = format!("http://{address}/");
            let client = builder().by_kernel(false).build(net()).unwrap();
            let (came, end) = body(get(&client, &url).await.unwrap()).await;
            let (_, moved, ended) = Answer::of(&transport(), &url).await.all().await;
            // A reset may overtake what was sent before it.
            for came in [came, moved] {
                let all = content(LEN);
                assert!(came == all[..cut] || by_reset && all[..cut].starts_with(&came), "{} of {cut}", came.len());
            }
            let (fault, like) = (ended.unwrap_err(), end.unwrap_err());
            assert_eq!((fault.kind, fault.sent), (like.kind, Sent::Maybe));
            // hyper may have met the end before it gave its connection away: the words are its own then.
            assert_eq!(fault.detail, like.detail, "cut at {cut}");
            assert_eq!(fault.kind, if by_reset { FaultKind::Reset } else { FaultKind::Truncated });
        }
    }
}

async fn letting_go_of_both_closes_the_connection() {
    if !sends_files() {
        return;
    }
    let (tell, mut told) = mpsc::channel(1);
    let address = serve(move |_, mut stream| {
        let tell = tell.clone();
        async move {
            head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\nabc").await.unwrap();
            while matches!(stream.read(&mut [0; 100]).await, Ok(1..)) {}
            tell.send("closed").await.unwrap();
        }
    })
    .await;
    let client = transport();
    let url = format!("http://{address}/");
    // Not begun; begun; on its way; all that came is moved.
    for stage in 0..4 {
        let mut answer = Answer::of(&client, &url).await;
        if stage > 0 {
            answer.unread.begin();
        }
        if stage > 1 {
            assert_eq!(within(answer.frames.next()).await.unwrap().unwrap(), "abc");
        }
        if stage > 2 {
            assert!(within(answer.frames.next()).await.is_none());
            let Answer { unread, pipe, .. } = &mut answer;
            assert!(poll_fn(|cx| std::task::Poll::Ready(unread.poll_move(cx, pipe, 100).is_pending())).await);
        }
        let Answer { frames, unread, .. } = answer;
        drop(frames);
        assert!(told.try_recv().is_err());
        drop(unread);
        assert_eq!(within(told.recv()).await, Some("closed"), "{stage}");
    }
}

async fn a_full_pipe_is_not_taken_for_an_empty_socket() {
    if !sends_files() {
        return;
    }
    let (url, _) = server("").await;
    let client = transport();
    let mut answer = Answer::of(&client, &url).await;
    answer.unread.begin();
    let mut all = Vec::new();
    while let Some(frame) = within(answer.frames.next()).await {
        all.extend_from_slice(&frame.unwrap());
    }
    let mut full = 0;
    loop {
        // Nothing is taken out before it says so.
        match answer.moved(usize::MAX).await.unwrap() {
            Moved::Bytes(_) => {}
            Moved::Full => {
                full += 1;
                assert_eq!(answer.moved(1).await, Ok(Moved::Full));
                all.extend(empty(&mut answer.pipe));
            }
            Moved::End => break,
        }
    }
    all.extend(empty(&mut answer.pipe));
    assert!(full > 0 && all == content(LEN));
}

async fn where_the_kernel_refuses_the_next_answer_is_read() {
    if !sends_files() {
        return;
    }
    let (url, _) = server("").await;
    let client = transport();
    let mut answer = Answer::of(&client, &url).await;
    // Nothing that it could move bytes to.
    answer.pipe.writer = std::os::fd::OwnedFd::from(tempfile::tempfile().unwrap()).into();
    answer.unread.begin();
    while within(answer.frames.next()).await.is_some() {}
    let fault = answer.moved(100).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Reset, "{fault}");
    let again = get(&client, &url).await.unwrap();
    assert!(again.extensions().get::<Unread>().is_none());
    assert!(body(again).await.1.unwrap() == content(LEN));
    assert_eq!(client.received_by_kernel(), 0);
}

crate::nets::on_every_net!(
    a_body_is_moved_and_its_connection_serves_again,
    several_at_once_have_a_connection_each_and_give_it_back,
    whoever_does_not_want_it_moved_reads_it,
    what_has_no_length_or_is_not_worth_it_is_read,
    a_body_that_hyper_has_whole_ends_at_once,
    a_connection_that_is_to_be_closed_is_not_used_again,
    what_comes_behind_the_body_is_nobodys_answer,
    a_broken_body_gives_what_came_and_is_told_as_if_it_had_been_read,
    letting_go_of_both_closes_the_connection,
    a_full_pipe_is_not_taken_for_an_empty_socket,
    where_the_kernel_refuses_the_next_answer_is_read,
);
