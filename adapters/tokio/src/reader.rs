//! tokio's readers as streams.

use std::io;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, Stream};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much is read at once.
const READ: usize = 256 << 10;

/// What `reader` gives, in frames, until its end or first error.
pub fn frames(reader: impl AsyncRead + Send + 'static) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::unfold(Some(Box::pin(reader)), |reader| async {
        let mut reader = reader?;
        let mut buffer = BytesMut::with_capacity(READ);
        match reader.read_buf(&mut buffer).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(buffer.freeze()), Some(reader))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::*;

    #[tokio::test]
    async fn a_reader_gives_all_it_has_and_its_first_error_last() {
        let content: Vec<u8> = (0..1_000_000u32).map(|at| (at % 251) as u8).collect();
        let came: Vec<_> = frames(io::Cursor::new(content.clone())).map(Result::unwrap).collect().await;
        assert!(came.len() > 1 && came.iter().all(|frame| (1..=READ).contains(&frame.len())));
        assert_eq!(came.concat(), content);

        let (broken, mut writer) = tokio::io::duplex(64);
        tokio::io::AsyncWriteExt::write_all(&mut writer, b"some").await.unwrap();
        let failing = broken.chain(Failing);
        drop(writer);
        let told: Vec<_> = frames(failing).map(|frame| frame.map_err(|error| error.to_string())).collect().await;
        assert_eq!(told, [Ok(Bytes::from_static(b"some")), Err("the camera is unplugged".into())]);
    }

    struct Failing;

    impl AsyncRead for Failing {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<io::Result<()>> {
            std::task::Poll::Ready(Err(io::Error::other("the camera is unplugged")))
        }
    }
}
