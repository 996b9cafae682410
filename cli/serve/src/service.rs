//! From a request to its answer: faults that come before everything else, then downloads or uploads.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::answer::{Answer, AnswerBody};
use crate::exchange::Exchange;
use crate::link::{Ending, Link};
use crate::plan::Ask;
use crate::shape::Shaper;
use crate::shared::Shared;
use crate::{download, upload};

/// A refused upload is read up to here to keep the connection; beyond, the connection is closed after the answer.
const MAX_DRAINED: u64 = 64 << 20;

/// Answers one request. An error ends the connection without an answer.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    link: Arc<Link>,
    request: Request<Incoming>,
) -> io::Result<Response<AnswerBody>> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let plan = shared.plan(&Ask::new(&head.method, path, &head.headers));
    let exchange = Exchange::begin(shared, link, plan, head.method.clone(), path.to_owned());
    let is_upload = matches!(head.method, Method::POST | Method::PUT | Method::PATCH);

    if let Some(millis) = exchange.plan.delay_millis {
        exchange.fired("delay");
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    let answer = if let Some((code, retry_after)) = exchange.plan.status {
        exchange.fired("status");
        drain(&head, body).await?;
        Answer::of_fault(code, retry_after)
    } else if matches!(head.method, Method::GET | Method::HEAD) {
        download::answer(&exchange, &head.headers).await
    } else if is_upload && exchange.shared.config.uploads {
        upload::answer(&exchange, &head.headers, body).await?
    } else {
        drain(&head, body).await?;
        let allowed = if exchange.shared.config.uploads { "GET, HEAD, POST, PUT, PATCH" } else { "GET, HEAD" };
        Answer::error(StatusCode::METHOD_NOT_ALLOWED, "this method is not allowed here").with(header::ALLOW, allowed)
    };

    if exchange.plan.drop_answer {
        exchange.fired("drop-answer");
        exchange.link.end(Ending::Close);
    }
    if exchange.link.is_ending() {
        return Err(io::Error::other("the connection is ended by a fault"));
    }
    // An upload's faults have met its own body.
    let shaper = (!is_upload).then(|| {
        let (shared, link) = (Arc::clone(&exchange.shared), Arc::clone(&exchange.link));
        Shaper::new(shared, link, &exchange.plan)
    });
    let head_only = head.method == Method::HEAD;
    Ok(answer.send(exchange, shaper, head_only))
}

/// Reads and drops a body, within bounds. A client that waits for `100 Continue` is spared sending it.
async fn drain(head: &http::request::Parts, mut body: Incoming) -> io::Result<()> {
    if head.headers.contains_key(header::EXPECT) {
        return Ok(());
    }
    let mut drained = 0;
    while drained < MAX_DRAINED
        && let Some(frame) = body.frame().await
    {
        let frame = frame.map_err(io::Error::other)?;
        drained += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    Ok(())
}
