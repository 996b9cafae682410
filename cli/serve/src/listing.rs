//! A folder as a plain list of links.

use std::fmt::Write;
use std::io;
use std::path::Path;

use crate::path::{HIDDEN, join_url};

/// The most names a list shows.
const MAX_NAMES: usize = 10_000;

/// The HTML page. Names that are not UTF-8 cannot be asked for and are left out.
pub(crate) fn page(folder: &Path, url_path: &str) -> io::Result<String> {
    let mut names = Vec::new();
    for entry in folder.read_dir()? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name == HIDDEN {
            continue;
        }
        names.push((name, entry.file_type()?.is_dir()));
        if names.len() == MAX_NAMES {
            break;
        }
    }
    names.sort();
    let mut html = String::from("<!DOCTYPE html><meta charset=utf-8><title>longhaul serve</title>\n<ul>\n");
    for (name, is_folder) in names {
        let slash = if is_folder { "/" } else { "" };
        let link = escape(&join_url(url_path, &name));
        // Writing to a String cannot fail.
        let _ = writeln!(html, "<li><a href=\"{link}{slash}\">{}{slash}</a>", escape(&name));
    }
    html.push_str("</ul>\n");
    Ok(html)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
