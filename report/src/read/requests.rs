//! `requests.csv` read back, a line at a time.
//!
//! Owns: the way from columns to rows. Never: opening files, keeping more than a [`Trace`] does.

use std::io::BufRead;

use highwater_sim::compare::measured::trace::{Names, Row, Trace};
use highwater_sim::experiment::RequestOutcome;

use super::lines::{Line, Lines};

/// Broken lines after which a file is none of ours.
const BROKEN: u64 = 1000;

/// The last column before those of the stages.
const BEFORE_STAGES: &str = "attempts";

/// What a file has, and what was wrong with it.
#[derive(Debug)]
pub struct Requests {
    /// Its rows.
    pub trace: Trace,
    /// In words, which lines were left out; `None` where none was.
    pub damage: Option<String>,
}

/// Where the columns are.
struct Columns {
    replication: Option<usize>,
    at: usize,
    source: Option<usize>,
    session: usize,
    endpoint: usize,
    outcome: usize,
    cause: Option<usize>,
    latency: usize,
    stages: usize,
}

impl Columns {
    fn of(heading: &[String]) -> Result<Self, String> {
        let find = |name: &str| heading.iter().position(|column| column == name);
        let need = |name: &str| find(name).ok_or_else(|| format!("it has no column `{name}`"));
        Ok(Self {
            replication: find("replication"),
            at: need("t")?,
            source: find("source"),
            session: need("session")?,
            endpoint: need("endpoint")?,
            outcome: need("outcome")?,
            cause: find("cause"),
            latency: need("latency")?,
            stages: find(BEFORE_STAGES).map_or(heading.len(), |last| last + 1),
        })
    }
}

/// Reads a file. Lines that are broken, such as the last of a file that was cut off, are left out and told of.
///
/// # Errors
/// In words, when it is no such file or cannot be read.
pub fn requests(input: impl BufRead) -> Result<Requests, String> {
    let mut lines = Lines::new(input);
    let heading = match lines.next().map_err(|error| error.to_string())? {
        None => return Err("it is empty".to_owned()),
        Some(Line::Broken(why)) => return Err(format!("its first line: {why}")),
        Some(Line::Cells(cells)) => cells.to_vec(),
    };
    let columns = Columns::of(&heading)?;
    let stages: Vec<String> = heading.get(columns.stages..).unwrap_or_default().to_vec();
    if stages.len() > Names::MOST {
        return Err("it has too many columns".to_owned());
    }
    let mut trace = Trace::new(stages);
    let mut broken: u64 = 0;
    let mut first: Option<(u64, String)> = None;
    loop {
        let why = match lines.next() {
            Err(error) => Some(error.to_string()),
            Ok(None) => break,
            Ok(Some(Line::Broken(why))) => Some(why.to_owned()),
            Ok(Some(Line::Cells(cells))) => add(cells, &columns, heading.len(), &mut trace).err(),
        };
        if let Some(why) = why {
            broken += 1;
            first.get_or_insert_with(|| (lines.number(), why));
            if broken >= BROKEN {
                break;
            }
        }
    }
    let damage = first.map(|(number, why)| match broken {
        1 => format!("line {number} of its requests.csv was left out: {why}"),
        BROKEN => format!("its requests.csv is broken from line {number} on: {why}"),
        many => format!("{many} lines of its requests.csv were left out, the first of them line {number}: {why}"),
    });
    if trace.is_empty() {
        return Err(damage.unwrap_or_else(|| "it has no requests".to_owned()));
    }
    Ok(Requests { trace, damage })
}

fn add(cells: &[String], columns: &Columns, width: usize, trace: &mut Trace) -> Result<(), String> {
    if cells.len() != width {
        return Err(format!("{} cells instead of {width}", cells.len()));
    }
    let number = |column: usize| -> Result<f64, String> {
        let text = &cells[column];
        let found: f64 = text.parse().map_err(|_| format!("`{}` is no number", brief(text)))?;
        if found.is_finite() {
            Ok(found)
        } else {
            Err(format!("`{text}` is no number"))
        }
    };
    let whole = |column: usize| {
        cells[column]
            .parse::<u64>()
            .map_err(|_| format!("`{}` is no number", brief(&cells[column])))
    };
    let outcome = match cells[columns.outcome].as_str() {
        "useful" => RequestOutcome::Useful,
        "failed" => RequestOutcome::Failed,
        "abandoned" => RequestOutcome::Abandoned,
        "in_flight" => RequestOutcome::InFlight,
        other => return Err(format!("`{}` is no way to end", brief(other))),
    };
    let at = number(columns.at)?;
    if at < 0.0 {
        return Err(format!("`{}` is before the start", cells[columns.at]));
    }
    let latency = if cells[columns.latency].is_empty() {
        f64::NAN
    } else {
        number(columns.latency)?
    };
    let replication = match columns.replication {
        Some(column) if !cells[column].is_empty() => {
            u32::try_from(whole(column)?).ok().filter(|&number| number < 100_000)
        }
        _ => Some(0),
    };
    let named = |names: &mut Names, column: Option<usize>| {
        let name = column.map_or("", |column| cells[column].as_str());
        names.number(name).ok_or_else(|| "there are too many names".to_owned())
    };
    let row = Row {
        replication: replication.ok_or("there are too many replications")?,
        at,
        source: named(&mut trace.sources, columns.source)?,
        session: whole(columns.session)?,
        endpoint: named(&mut trace.endpoints, Some(columns.endpoint))?,
        outcome,
        cause: match columns.cause {
            Some(column) if !cells[column].is_empty() => Some(named(&mut trace.causes, Some(column))?),
            _ => None,
        },
        latency,
    };
    let stages = cells[columns.stages..].iter().map(|cell| cell.parse().unwrap_or(0.0));
    trace.push(row, stages);
    Ok(())
}

/// The beginning of a text that may be long.
fn brief(text: &str) -> String {
    text.chars().take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "replication,n,t,source,session,user,ip,class,endpoint,phase,outcome,cause,status,latency,\
                           attempts,wait.web,cpu.web\n";

    fn read(lines: &str) -> Result<Requests, String> {
        requests(format!("{HEADING}{lines}").as_bytes())
    }

    // Lost if broken: a run that is held against another one than was measured.
    #[test]
    fn a_row_is_read_with_its_stages() {
        let found = read(
            "0,0,1.5,load,3,2,1,user,job,peak,useful,,200,0.25,2,0.2,\n1,0,2,load,3,2,1,user,\"a,b\",,failed,rate_limited,429,0.1,1,0,0\n",
        )
        .unwrap();
        assert_eq!(found.damage, None);
        let trace = found.trace;
        assert_eq!((trace.len(), trace.replications()), (2, vec![0, 1]));
        assert_eq!(trace.times(0), [0.2, 0.0]);
        assert_eq!(trace.rows()[0].latency, 0.25);
        assert_eq!(trace.endpoints.name(trace.rows()[1].endpoint), "a,b");
        assert_eq!(trace.causes.name(trace.rows()[1].cause.unwrap()), "rate_limited");
    }

    // Lost if broken: a test that was killed while it wrote cannot be looked at, or is looked at as if it were whole.
    #[test]
    fn what_was_cut_off_is_left_out_and_told() {
        let line = "0,0,1.5,load,3,2,1,user,job,peak,useful,,200,0.25,2,0.2,0\n";
        let found = read(&format!("{line}{line}0,2,1.7,lo")).unwrap();
        assert_eq!(found.trace.len(), 2);
        assert_eq!(
            found.damage.as_deref(),
            Some("line 4 of its requests.csv was left out: 4 cells instead of 17")
        );
        let found = read(&format!(
            "{line}0,0,NaN,load,3,2,1,u,job,,useful,,200,1,1,0,0\n0,0,1,load,3,2,1,u,job,,lost,,200,1,1,0,0\n"
        ))
        .unwrap();
        assert!(
            found
                .damage
                .unwrap()
                .starts_with("2 lines of its requests.csv were left out, the first of them line 3")
        );
    }

    // Lost if broken: another file passes for no requests at all.
    #[test]
    fn another_file_is_refused() {
        assert_eq!(requests("".as_bytes()).unwrap_err(), "it is empty");
        assert_eq!(
            requests("t,offered\n0,1\n".as_bytes()).unwrap_err(),
            "it has no column `session`"
        );
        assert!(read("").unwrap_err().contains("no requests"));
        let nonsense = "x\n".repeat(5000);
        assert!(read(&nonsense).unwrap_err().contains("from line 2 on"));
    }
}
