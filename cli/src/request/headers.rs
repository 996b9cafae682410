//! `--header`: lines given on the command line, and files that hold some.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use longhaul::Headers;

use super::absolute;
use crate::exit::Failure;
use crate::shown;

/// Largest file of header lines that is read, in bytes.
const LARGEST: u64 = 64 << 10;

/// Header fields as they were given. `Debug` shows names only.
#[derive(Clone, Default)]
pub(crate) struct Fields {
    lines: Vec<String>,
    files: Vec<PathBuf>,
}

impl Fields {
    /// Takes what `--header` gave and checks all of it.
    pub(crate) fn read(given: &[String]) -> Result<Self, Failure> {
        let mut fields = Self::default();
        for text in given {
            match text.strip_prefix('@') {
                Some(file) => {
                    let path = absolute(Path::new(file))?;
                    if path.is_file() || !path.exists() {
                        fields.files.push(path);
                    } else {
                        // A pipe, as `<(command)` makes one: can be read once only.
                        let text = read(&path)?;
                        fields.lines.extend(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
                    }
                }
                None => fields.lines.push(text.clone()),
            }
        }
        fields.headers()?;
        Ok(fields)
    }

    /// Fields from files alone, as records have them.
    pub(crate) const fn from_files(files: Vec<PathBuf>) -> Self {
        Self { lines: Vec::new(), files }
    }

    /// The names of the fields given as lines: what a record cannot hold.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|line| line.split(':').next().unwrap_or_default().trim())
    }

    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.files.is_empty()
    }

    /// All fields, those of the files read now.
    pub(crate) fn headers(&self) -> Result<Headers, Failure> {
        let mut headers = Headers::new();
        for line in &self.lines {
            headers.add_line(line).map_err(|error| Failure::usage(format!("--header: {error}")))?;
        }
        for path in &self.files {
            let shown = shown::path(path);
            let text = read(path)?;
            for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                headers
                    .add_line(line)
                    .map_err(|error| Failure::usage(format!("--header @{shown}, line {}: {error}", number + 1)))?;
            }
        }
        Ok(headers)
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let shown = shown::path(path);
    let failed = |error| Failure::usage(format!("--header: cannot read {shown}: {error}"));
    let mut text = String::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > LARGEST {
        let words = format!("--header: {shown} has more than {LARGEST} bytes: put one 'Name: value' per line");
        return Err(Failure::usage(words));
    }
    Ok(text)
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lines()).entries(&self.files).finish()
    }
}
