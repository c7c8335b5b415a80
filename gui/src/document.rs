//! The scenario that is open: its file's text, what has been changed of it, and the way back.
//!
//! Owns: changes, undo and redo, the text that would be saved. Never: files, simulating.
//!
//! What is run is always the text that would be saved, so that a saved scenario is the one that was looked at.

use highwater_models::file::write_settings;

/// Where the scenario comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It ships with Highwater, under that name.
    Bundled(String),
    /// A file, by its path.
    File(String),
}

impl Origin {
    /// What messages and commands call it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Bundled(name) | Self::File(name) => name,
        }
    }

    /// Whether it ships with Highwater.
    #[must_use]
    pub const fn is_bundled(&self) -> bool {
        matches!(self, Self::Bundled(_))
    }
}

/// One setting and its value, as files write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The setting's path.
    pub path: String,
    /// Its value.
    pub value: String,
}

impl Edit {
    /// As `--set` takes it.
    #[must_use]
    pub fn flag(&self) -> String {
        format!("{}={}", self.path, self.value)
    }
}

/// A scenario with changes.
#[derive(Clone, Debug)]
pub struct Document {
    origin: Origin,
    file: String,
    state: State,
    undo: Vec<State>,
    redo: Vec<State>,
    /// The setting that is being changed, so that a drag of a slider is one step back.
    moving: Option<String>,
}

/// What undo goes back to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    edits: Vec<Edit>,
    /// Text after the file's own: events that were added.
    added: Vec<String>,
}

/// Steps that are kept.
const STEPS: usize = 500;

impl Document {
    /// A file's text without changes.
    #[must_use]
    pub fn new(origin: Origin, file: String) -> Self {
        Self {
            origin,
            file,
            state: State::default(),
            undo: Vec::new(),
            redo: Vec::new(),
            moving: None,
        }
    }

    /// Where it comes from.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The file's own text.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The changes, each setting once.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        &self.state.edits
    }

    /// The events that were added, each as a file writes it.
    #[must_use]
    pub fn added(&self) -> &[String] {
        &self.state.added
    }

    /// The value that a setting was changed to.
    #[must_use]
    pub fn changed(&self, path: &str) -> Option<&str> {
        let edit = self.state.edits.iter().find(|edit| edit.path == path);
        edit.map(|edit| edit.value.as_str())
    }

    /// Whether anything differs from the file.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.state != State::default()
    }

    /// The text with every change in it: what is run, and what is saved.
    ///
    /// # Errors
    /// Why a change cannot be written into the file.
    pub fn text(&self) -> Result<String, String> {
        let flags: Vec<String> = self.state.edits.iter().map(Edit::flag).collect();
        let mut text = write_settings(&self.file, flags.iter().map(String::as_str))?;
        for event in &self.state.added {
            if !text.ends_with('\n') {
                text.push('\n');
            }
            text.push('\n');
            text.push_str(event);
        }
        Ok(text)
    }

    /// Changes settings together. Changes of one setting that follow each other without [`Self::settle`] between them are
    /// one step.
    ///
    /// # Errors
    /// Why a change cannot be written into the file; then nothing is changed.
    pub fn set(&mut self, edits: &[Edit]) -> Result<(), String> {
        let mut next = self.state.clone();
        for edit in edits {
            match next.edits.iter_mut().find(|old| old.path == edit.path) {
                Some(old) => old.value.clone_from(&edit.value),
                None => next.edits.push(edit.clone()),
            }
        }
        let moving = match edits {
            [only] => Some(only.path.clone()),
            _ => None,
        };
        let goes_on = moving.is_some() && moving == self.moving;
        self.put(next, goes_on)?;
        self.moving = moving;
        Ok(())
    }

    /// Takes a setting back to the file's value.
    pub fn unset(&mut self, path: &str) {
        let mut next = self.state.clone();
        next.edits.retain(|edit| edit.path != path);
        // With fewer changes the text can be written as before.
        let _ = self.put(next, false);
    }

    /// Adds an event, as a file writes it.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn add(&mut self, event: String) -> Result<(), String> {
        let mut next = self.state.clone();
        next.added.push(event);
        self.put(next, false)
    }

    /// Takes an added event away.
    pub fn remove(&mut self, number: usize) {
        let mut next = self.state.clone();
        if number < next.added.len() {
            next.added.remove(number);
            let _ = self.put(next, false);
        }
    }

    /// What follows is a step of its own.
    pub fn settle(&mut self) {
        self.moving = None;
    }

    /// Back to the file.
    pub fn reset(&mut self) {
        let _ = self.put(State::default(), false);
    }

    /// One step back.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.undo.pop() else { return false };
        self.redo.push(std::mem::replace(&mut self.state, before));
        self.moving = None;
        true
    }

    /// One step forth.
    pub fn redo(&mut self) -> bool {
        let Some(after) = self.redo.pop() else { return false };
        self.undo.push(std::mem::replace(&mut self.state, after));
        self.moving = None;
        true
    }

    /// Whether there is a step back, and one forth.
    #[must_use]
    pub fn steps(&self) -> (bool, bool) {
        (!self.undo.is_empty(), !self.redo.is_empty())
    }

    /// It has been saved there: that is its file now, and what has been changed is its own text.
    pub fn saved(&mut self, path: String, text: String) {
        self.origin = Origin::File(path);
        self.file = text;
        self.state = State::default();
        self.undo.clear();
        self.redo.clear();
        self.moving = None;
    }

    fn put(&mut self, next: State, goes_on: bool) -> Result<(), String> {
        if next == self.state {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.state, next);
        if let Err(why) = self.text() {
            self.state = before;
            return Err(why);
        }
        if !goes_on {
            self.undo.push(before);
            if self.undo.len() > STEPS {
                self.undo.remove(0);
            }
        }
        self.redo.clear();
        self.moving = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        Document::new(
            Origin::Bundled("x".to_owned()),
            "# Why?\nduration = \"1m\"\n".to_owned(),
        )
    }

    fn edit(path: &str, value: &str) -> Edit {
        Edit {
            path: path.to_owned(),
            value: value.to_owned(),
        }
    }

    // Lost if broken: a slider that has to be undone pixel by pixel, or an undo that forgets a change.
    #[test]
    fn a_drag_is_one_step_and_every_step_can_be_taken_back_and_again() {
        let mut document = document();
        for value in ["2", "3", "4"] {
            document.set(&[edit("seed", value)]).expect("it can be written");
        }
        document.settle();
        document
            .set(&[edit("seed", "9"), edit("web.plan", "\"pro\"")])
            .expect("it can be written");
        assert_eq!(document.changed("seed"), Some("9"));
        assert!(document.undo());
        assert_eq!(
            (document.changed("seed"), document.changed("web.plan")),
            (Some("4"), None)
        );
        assert!(document.undo() && !document.is_changed() && !document.undo());
        assert!(document.redo() && document.redo() && !document.redo());
        assert_eq!(document.changed("web.plan"), Some("\"pro\""));
        document.reset();
        assert!(!document.is_changed());
        assert!(document.undo() && document.is_changed());
        document.undo();
        document.unset("seed");
        assert_eq!((document.is_changed(), document.steps()), (false, (true, false)));
    }

    // Lost if broken: a window that runs something else than it saves.
    #[test]
    fn the_text_has_the_changes_and_the_added_events() {
        let mut document = document();
        document.set(&[edit("duration", "\"2m\"")]).expect("it can be written");
        document
            .add("[[event]]\nat = \"1m\"\n".to_owned())
            .expect("it can be written");
        let text = document.text().expect("it can be written");
        assert_eq!(text, "# Why?\nduration = \"2m\"\n\n[[event]]\nat = \"1m\"\n");
        document.remove(0);
        assert_eq!(document.text().as_deref(), Ok("# Why?\nduration = \"2m\"\n"));
        assert!(document.set(&[edit("duration.x.y", "1")]).is_err());
        assert_eq!(document.text().as_deref(), Ok("# Why?\nduration = \"2m\"\n"));
    }
}
