//! What a review leaves: findings with their arithmetic and cure, and those that somebody has allowed.
//!
//! Owns: [`Review`], [`Finding`], [`Severity`].
//! Never: which rules there are.

/// How bad a finding is, the worst first.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Two settings, or a setting and the part that it is about, cannot both be meant: it does not do what it says.
    Contradiction,
    /// It works until something happens that will happen.
    Risk,
    /// Worth knowing before relying on it.
    Note,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: [Self; 3] = [Self::Contradiction, Self::Risk, Self::Note];

    /// In a word, as results write it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Contradiction => "contradiction",
            Self::Risk => "risk",
            Self::Note => "note",
        }
    }

    /// The word for several.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Contradiction => "contradictions",
            Self::Risk => "risks",
            Self::Note => "notes",
        }
    }
}

/// Something that a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's stable id.
    pub id: &'static str,
    /// The rule's severity.
    pub severity: Severity,
    /// The setting or thing that it is about, by its path, such as `connections.max`.
    pub subject: String,
    /// What is wrong, in one sentence without a full stop.
    pub title: String,
    /// The figures that show it.
    pub arithmetic: String,
    /// What to do, as a setting where one does it.
    pub cure: String,
}

/// A finding that the system file allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// What was found.
    pub finding: Finding,
    /// Why it may stay, in the file's words.
    pub reason: String,
}

/// What came of a review.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// What was found and is allowed, the worst first.
    pub allowed: Vec<Allowed>,
}

impl Review {
    /// How many findings have that severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }

    /// Whether nothing contradicts anything.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.count(Severity::Contradiction) == 0
    }
}
