//! Checked files as JUnit XML, which every CI shows as tests: one suite for each file, one case for whether it can be
//! read, for each rule of the design review, for whether it could be simulated, and for each objective.
//!
//! Owns: what is a failure, an error and a skip.
//! Never: times of day, so that the same result gives the same bytes.

use highwater_models::review::{Severity, rules};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::annotations::figures;
use super::{Checked, needed};

/// The text of the XML file. `is_pass` is whether an open objective passes: it is then skipped, else a failure.
///
/// # Errors
/// When the XML cannot be written, which memory does not refuse.
pub fn text(files: &[Checked], is_pass: bool) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("highwater check");
    report.add_test_suites(files.iter().map(|file| suite(file, is_pass)));
    report.to_string().map(|text| text + "\n")
}

fn suite(file: &Checked, is_pass: bool) -> TestSuite {
    let mut suite = TestSuite::new(file.file.as_str());
    let mut add = |name: String, status: TestCaseStatus, said: Option<String>| {
        let mut case = TestCase::new(name, status);
        case.set_classname(file.file.as_str());
        if let Some(said) = said {
            case.set_system_out(said);
        }
        suite.add_test_case(case);
    };
    let errors: Vec<String> = file.errors().map(|complaint| complaint.text.clone()).collect();
    if let Some(first) = file.errors().next() {
        let message = match errors.len() {
            1 => first.data.message.clone(),
            many => format!("{} (and {} more)", first.data.message, many - 1),
        };
        let status = not_well(NonSuccessKind::Error, first.data.id, &message, &errors.join("\n\n"));
        add("file is valid".to_owned(), status, None);
        return suite;
    }
    let warnings: Vec<String> = file.complaints.iter().map(|complaint| complaint.text.clone()).collect();
    let warnings = (!warnings.is_empty()).then(|| warnings.join("\n\n"));
    add("file is valid".to_owned(), TestCaseStatus::success(), warnings);
    if file.review.is_some() {
        for rule in rules() {
            let found: Vec<String> = Severity::ALL
                .into_iter()
                .flat_map(|severity| file.findings(severity))
                .filter(|(finding, _)| finding.id == rule.id)
                .map(|(finding, _)| format!("{}\nwhy: {}\ncure: {}", finding.title, finding.arithmetic, finding.cure))
                .collect();
            let name = format!("design: {}", rule.id);
            let text = found.join("\n\n");
            match (found.first(), rule.severity) {
                (None, _) => add(name, TestCaseStatus::success(), None),
                (Some(first), Severity::Contradiction) => {
                    let message = first.lines().next().unwrap_or_default();
                    let status = not_well(NonSuccessKind::Failure, rule.severity.text(), message, &text);
                    add(name, status, None);
                }
                // A risk or a note is no failure: it is told with the case.
                (Some(_), severity) => {
                    let said = format!("{}: {text}", severity.text());
                    add(name, TestCaseStatus::success(), Some(said));
                }
            }
        }
    }
    if let Some(trouble) = &file.trouble {
        let status = not_well(NonSuccessKind::Error, "unfinished", trouble, trouble);
        add("simulation ends".to_owned(), status, None);
    }
    if let Some(run) = &file.run {
        add("simulation ends".to_owned(), TestCaseStatus::success(), None);
        for (objective, &needed) in run.summary.objectives.iter().zip(&run.needed) {
            // A metric may have a bound on either side.
            let side = if objective.at_most { "at most" } else { "at least" };
            let name = format!("objective: {} {side}", objective.name);
            let message = figures(objective);
            let more = needed::sentence(objective, needed).unwrap_or_default();
            match objective.met {
                Some(true) => add(name, TestCaseStatus::success(), Some(message)),
                Some(false) => add(
                    name,
                    not_well(NonSuccessKind::Failure, "missed", &message, &message),
                    None,
                ),
                None if is_pass => {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message(format!("not decided: {message}. {more}"));
                    add(name, status, None);
                }
                None => {
                    let message = format!("not decided: {message}");
                    let status = not_well(NonSuccessKind::Failure, "undecided", &message, &more);
                    add(name, status, None);
                }
            }
        }
    }
    suite
}

fn not_well(kind: NonSuccessKind, id: &str, message: &str, description: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(id).set_message(message).set_description(description);
    status
}
