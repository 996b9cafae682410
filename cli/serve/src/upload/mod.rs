//! The default upload protocol from the server's side.
//!
//! A request is a multipart form. Without a `file` field it *prepares*: the answer says where to go on
//! (`{"nextByte": n}`) or that the object is complete (`{"fileId": "…"}`). With one it is a *chunk*: its bytes are
//! stored at `offset`, and the answer is of the same kind. What belongs to one upload is found by its folder,
//! `fileMd5` and `fileName`.
//!
//! | a chunk's offset | what happens |
//! |---|---|
//! | equal to what is stored | appended; `nextByte` is its end |
//! | lower | written over what is there; `nextByte` is its end, never beyond what this client has sent |
//! | higher | thrown away; `nextByte` is what is stored |
//!
//! Nothing is stored of a chunk that is cut short: its fields, which say where it belongs, come after its bytes.

mod form;
mod name;
mod session;
mod spool;
mod stream;

use std::io;
use std::sync::Arc;

use http::{HeaderMap, StatusCode, header};
use hyper::body::Incoming;
use serde_json::json;

use crate::answer::Answer;
use crate::download::refused;
use crate::exchange::Exchange;
use crate::path;

use form::{Form, FormError};
pub(crate) use session::Uploads;
use session::{Outcome, Work};

/// Answers one request of an upload. An error ends the connection without an answer.
pub(crate) async fn answer(exchange: &Exchange, headers: &HeaderMap, body: Incoming) -> io::Result<Answer> {
    let bad = |text: &str| Ok(Answer::error(StatusCode::BAD_REQUEST, text));
    if !headers.contains_key(header::CONTENT_LENGTH) {
        let answer = Answer::error(StatusCode::LENGTH_REQUIRED, "an upload needs a Content-Length");
        return Ok(answer.with(header::CONNECTION, "close"));
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Ok(boundary) = multer::parse_boundary(content_type.unwrap_or_default()) else {
        return bad("the body must be multipart/form-data with a boundary");
    };
    let form = match Form::read(exchange, boundary, body).await {
        Ok(form) => form,
        Err(FormError::Bad(text)) => return bad(&text),
        Err(FormError::Disk(error)) => return Ok(Answer::disk(&error)),
        Err(FormError::Cut(error)) => return Err(error),
    };
    // A fault at the body's last byte comes before the request is acted on.
    if exchange.link.is_ending() {
        return Err(io::Error::other("the connection is ended by a fault"));
    }
    Ok(act(exchange, form).await.unwrap_or_else(|error| Answer::disk(&error)))
}

async fn act(exchange: &Exchange, form: Form) -> io::Result<Answer> {
    let shared = Arc::clone(&exchange.shared);
    let url_path = exchange.path.clone();
    let place = exchange.shared.blocking(move |_| path::find_or_make_folder(&shared, &url_path));
    let folder = match place.await? {
        Ok(folder) => folder,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    let work = Work {
        shared: Arc::clone(&exchange.shared),
        url: path::join_url(&exchange.path, &form.name),
        folder,
        form,
        keep: exchange.plan.keep,
        corrupt: exchange.plan.corrupt.clone(),
    };
    let outcome = work.run().await?;
    Ok(match outcome {
        Outcome::Next(next) => Answer::json(StatusCode::OK, &json!({ "nextByte": next })),
        Outcome::Complete(id) => Answer::json(StatusCode::OK, &json!({ "fileId": id })),
        Outcome::Refused(status, text) => Answer::error(status, text),
    })
}
