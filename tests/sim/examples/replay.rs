//! Shows a run step by step:
//!
//! ```sh
//! cargo run -p longhaul-sim --example replay -- 123                           # a seed
//! cargo run -p longhaul-sim --example replay -- seed-123.trace                # a saved trace, or a script
//! cargo run -p longhaul-sim --example replay -- --fuzz fuzz/corpus/engine/x   # an input of the fuzz target `engine`
//! ```
//!
//! Ends with 1 when an invariant breaks, with 2 when there is nothing to replay.

mod command;

use std::io::Write;
use std::process::ExitCode;

use command::Stop;
use longhaul_sim::decode;
use longhaul_sim::run::{Report, draw_transitions, draw_world, run_seed};
use longhaul_sim::script::Script;

const USAGE: &str = "usage: replay SEED | TRACE | --fuzz INPUT";

fn main() -> ExitCode {
    command::run(USAGE, replay)
}

fn replay(words: &[String], out: &mut dyn Write) -> Result<bool, Stop> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut told = Told::Nothing;
    let report = match *words {
        ["--help" | "-h"] => return Err(Stop::Help),
        ["--fuzz", path] => {
            let bytes = std::fs::read(path).map_err(|error| Stop::Usage(format!("{path}: {error}")))?;
            introduce(decode::world(&bytes), out)?;
            decode::run(&bytes, true)
        }
        [word] if !word.starts_with('-') => match word.parse() {
            Ok(seed) => {
                introduce(seed, out)?;
                writeln!(out, "{:?}", draw_transitions(seed))?;
                run_seed(seed, true)
            }
            Err(_) => {
                let (script, verdict) = read(word).map_err(|problem| Stop::Usage(format!("{word}: {problem}")))?;
                told = verdict;
                introduce(script.world, out)?;
                script.run(true)
            }
        },
        [] => return Err(Stop::Usage(String::from("what is to be replayed?"))),
        ["--fuzz"] => return Err(Stop::Usage(String::from("`--fuzz` needs the file of an input after it"))),
        _ => return Err(Stop::Usage(format!("`{}` is not understood", words.join(" ")))),
    };
    tell(&report, out)?;
    match told {
        Told::End(told) if told != report.to_string() => {
            writeln!(
                out,
                "it ended otherwise when it was written, by another version or before it was changed:\n{told}"
            )?;
        }
        Told::Cut => writeln!(out, "the trace does not tell how it ended: its last lines are missing")?,
        Told::Nothing | Told::End(_) => {}
    }
    Ok(report.is_fine())
}

/// What a file says of how its run ended.
enum Told {
    /// It is a script: steps, and no run.
    Nothing,
    /// It shows a run, and not its end.
    Cut,
    /// It ended like this.
    End(String),
}

/// A script, and what its file says of its end.
fn read(path: &str) -> Result<(Script, Told), String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is no text; an input of the fuzzer needs `--fuzz`")?;
    let script = Script::parse(&text)?;
    let end = format!("world {}: ", script.world);
    let told = match text.lines().last() {
        Some(last) if last.starts_with(&end) => Told::End(last.to_owned()),
        // What only a run writes.
        _ if text.lines().any(|line| line.contains(" t0.") && !line.contains("> ")) => Told::Cut,
        _ => Told::Nothing,
    };
    Ok((script, told))
}

fn introduce(seed: u64, out: &mut dyn Write) -> std::io::Result<()> {
    let world = draw_world(seed, false);
    writeln!(out, "world {seed}")?;
    for job in &world.jobs {
        writeln!(out, "{:?} {:?} {:?} retries {}", job.kind, job.parallel, job.part_size, job.retries)?;
    }
    writeln!(out, "{:?}\n{:?}", world.weather, world.limits())
}

fn tell(report: &Report, out: &mut dyn Write) -> std::io::Result<()> {
    for line in &report.lines {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "{report}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replayed(words: &[&str]) -> (Result<bool, Stop>, String) {
        let words: Vec<String> = words.iter().map(|&word| word.into()).collect();
        let mut out = Vec::new();
        let end = replay(&words, &mut out);
        (end, String::from_utf8(out).expect("text"))
    }

    /// A file with these bytes, for as long as the test needs it.
    fn with_file<T>(name: &str, bytes: &[u8], test: impl FnOnce(&str) -> T) -> T {
        let path = std::env::temp_dir().join(format!("longhaul-replay-{name}-{}", std::process::id()));
        std::fs::write(&path, bytes).expect("written");
        let told = test(path.to_str().expect("a path of text"));
        std::fs::remove_file(path).expect("it was there");
        told
    }

    #[test]
    fn what_was_shown_can_be_replayed() {
        let (end, shown) = replayed(&["7"]);
        assert!(end.expect("a seed"));
        let (end, again) = with_file("shown", shown.as_bytes(), |path| replayed(&[path]));
        assert!(end.expect("a trace"));
        assert_eq!(shown.lines().last(), again.lines().last(), "the same hash");
    }

    #[test]
    fn a_trace_that_ended_otherwise_when_it_was_written_is_not_shown_without_a_word() {
        let broken = "world 7: Timely at 1.000000s: t0.0 could";
        let (end, again) = with_file("other", format!("world 7\n{broken}\n").as_bytes(), |path| replayed(&[path]));
        assert!(end.expect("a trace") && again.ends_with(&format!("before it was changed:\n{broken}\n")), "{again}");
        let (_, again) = with_file("script", b"world 7\n", |path| replayed(&[path]));
        assert!(again.lines().last().is_some_and(|last| last.starts_with("world 7: fine")), "{again}");
    }

    #[test]
    fn a_trace_without_its_end_is_not_shown_without_a_word() {
        let (_, shown) = replayed(&["7"]);
        let half = shown.len() / 2;
        let (end, again) = with_file("cut", shown.as_bytes().get(..half).expect("ASCII"), |path| replayed(&[path]));
        assert!(end.is_err() || again.ends_with("its last lines are missing\n"), "{again}");
        let whole = shown.lines().count() - 1;
        let cut: String = shown.lines().take(whole).flat_map(|line| [line, "\n"]).collect();
        let (end, again) = with_file("endless", cut.as_bytes(), |path| replayed(&[path]));
        assert!(end.expect("a trace") && again.ends_with("its last lines are missing\n"), "{again}");
    }

    #[test]
    fn an_input_of_the_fuzzer_is_one_because_it_was_said() {
        let bytes = b"any text is an input";
        assert!(with_file("fuzz", bytes, |path| replayed(&["--fuzz", path])).0.expect("an input"));
        let (end, shown) = with_file("text", bytes, |path| replayed(&[path]));
        assert!(matches!(end, Err(Stop::Usage(words)) if words.contains("world SEED")) && shown.is_empty());
        let (end, _) = with_file("bytes", &[0xFF, 1, 2], |path| replayed(&[path]));
        assert!(matches!(end, Err(Stop::Usage(words)) if words.contains("--fuzz")));
    }

    #[test]
    fn what_is_not_understood_is_not_run() {
        for words in [&[][..], &["--seed"], &["1", "2"], &["--fuzz"]] {
            assert!(matches!(replayed(words), (Err(Stop::Usage(_)), told) if told.is_empty()), "{words:?}");
        }
        assert!(matches!(replayed(&["--fuzz"]).0, Err(Stop::Usage(words)) if words.contains("needs the file")));
        assert!(matches!(replayed(&["no-such.trace"]).0, Err(Stop::Usage(words)) if words.starts_with("no-such")));
        assert!(matches!(replayed(&["--help"]).0, Err(Stop::Help)));
    }
}
