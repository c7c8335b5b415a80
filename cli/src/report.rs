//! Reports to read and pass on: one page, a comment for a pull request, and plots as pictures.
//!
//! Owns: `--report` and `--plots`, for every command that has them, and the files behind them.
//! Never: what a report says (`highwater_report`).

use std::path::{Path, PathBuf};

use clap::Args;
use highwater_report::page::{self, Page};
use highwater_report::plot::Plot;

use crate::failure::Failure;
use crate::output::Folder;

/// What a command may be asked to write beside its result.
#[derive(Clone, Debug, Default, Args)]
pub struct Wanted {
    /// A report to read and pass on: FILE.html is one page with plots inside, FILE.md a comment for a pull request
    #[arg(long, value_name = "FILE", value_parser = file)]
    report: Option<File>,
    /// Folder for the plots, each as a PNG and as an SVG
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
}

/// A file for a report and its form.
#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    path: PathBuf,
    form: Form,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Form {
    Html,
    Markdown,
}

/// The form by the file's ending.
fn file(text: &str) -> Result<File, String> {
    let path = PathBuf::from(text);
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let form = match ending.to_ascii_lowercase().as_str() {
        "html" | "htm" => Form::Html,
        "md" | "markdown" => Form::Markdown,
        _ => {
            return Err(
                "a report's form goes by its ending: FILE.html for one page, FILE.md for a pull request".to_owned(),
            );
        }
    };
    Ok(File { path, form })
}

/// Where reports go, tried before the work begins.
#[derive(Debug)]
pub struct Reports {
    report: Option<(Folder, File)>,
    plots: Option<Folder>,
}

impl Wanted {
    /// Whether anything is.
    pub const fn is_any(&self) -> bool {
        self.report.is_some() || self.plots.is_some()
    }

    /// Makes the folders and tries that they can be written: better before a long run than after it.
    ///
    /// # Errors
    /// When one cannot be made or written.
    pub fn open(&self) -> Result<Reports, Failure> {
        let report = self.report.as_ref().map(|file| -> Result<_, Failure> {
            let parent = file.path.parent().filter(|parent| !parent.as_os_str().is_empty());
            Ok((Folder::open(parent.unwrap_or(Path::new(".")))?, file.clone()))
        });
        Ok(Reports {
            report: report.transpose()?,
            plots: self.plots.as_deref().map(Folder::open).transpose()?,
        })
    }
}

impl Reports {
    /// Writes what was asked for, of these plots and the page that is made of them, and says which files.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(self, plots: impl FnOnce() -> Vec<Plot>, page: impl FnOnce(Vec<Plot>) -> Page) -> Result<(), Failure> {
        self.write_with(plots, page, page::markdown)
    }

    /// The same for a command that has a Markdown of its own.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write_with(
        self,
        plots: impl FnOnce() -> Vec<Plot>,
        page: impl FnOnce(Vec<Plot>) -> Page,
        markdown: impl FnOnce(&Page) -> String,
    ) -> Result<(), Failure> {
        if self.report.is_none() && self.plots.is_none() {
            return Ok(());
        }
        let plots = plots();
        if let Some(mut folder) = self.plots {
            for plot in &plots {
                folder.write(&format!("{}.svg", plot.name), |file| {
                    file.write_all(plot.svg_file().as_bytes())
                })?;
                folder.write(&format!("{}.png", plot.name), |file| file.write_all(&plot.png_file()?))?;
            }
            for path in folder.commit()? {
                eprintln!("wrote {}", path.display());
            }
        }
        if let Some((mut folder, file)) = self.report {
            let page = page(plots);
            let text = match file.form {
                Form::Html => page::html(&page),
                Form::Markdown => markdown(&page),
            };
            let name = file.path.file_name().unwrap_or_default().to_string_lossy();
            folder.write(&name, |file| file.write_all(text.as_bytes()))?;
            folder.commit()?;
            eprintln!("wrote {}", file.path.display());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a page written where Markdown was meant, or an hour's run for a file of no known form.
    #[test]
    fn the_ending_says_the_form() {
        let form = |text: &str| file(text).map(|file| file.form);
        assert_eq!(form("a/b.html"), Ok(Form::Html));
        assert_eq!(form("B.HTM"), Ok(Form::Html));
        assert_eq!(form("b.md"), Ok(Form::Markdown));
        for unknown in ["report", "report.pdf", "report.html.gz", ".html"] {
            let error = form(unknown).expect_err(unknown);
            assert!(error.contains(".html") && error.contains(".md"), "{error}");
        }
    }
}
