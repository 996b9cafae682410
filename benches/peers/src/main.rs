//! Other libraries, and longhaul as one of them, doing the jobs of `side_by_side`: each as its documentation has it done, with parts
//! of 8 MiB, on tokio's runtime of many threads.
//!
//! `peers LIBRARY JOB`, with a [`Job`] in words.

mod bare;
mod facade;
mod objects;
mod operators;
mod requests;

use std::process::ExitCode;

use longhaul_benches::job::{self, Job};

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = async {
        let (library, words) = words.split_first().ok_or("which library?")?;
        let job = Job::parse(words)?;
        match library.as_str() {
            "hyper" => bare::run(job).await,
            "longhaul" => facade::run(job, true).await,
            "undigested" => facade::run(job, false).await,
            "object_store" => objects::run(job).await,
            "opendal" => operators::run(job).await,
            "reqwest" => requests::run(job).await,
            _ => Err("this library is not here".into()),
        }
    };
    job::end("peers", done.await)
}
