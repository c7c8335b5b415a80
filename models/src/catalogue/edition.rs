//! The catalogue as it was on a day.
//!
//! Owns: the list of editions, typed look-ups by name.
//! Never: the form of the data files (that is `book.rs`).
//! Order: plans by price, models by name.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::book::{Book, Path};
use super::figure::{Figure, Latency, Value};
use super::model::{Model, TierLimits, Withdrawal};
use super::plan::{CachePlan, DatabasePlan, WebPlan, all_names, find};

/// Bytes in an MB, here and in system files.
const MEGABYTE: f64 = 1024.0 * 1024.0;

/// The data files, earliest first: an edition inherits from one before it.
const TEXTS: [&str; 2] = [include_str!("2025-12-10.toml"), include_str!("latest.toml")];

/// Plans, prices, limits and models as they were on one day.
#[derive(Clone, Debug)]
pub struct Edition {
    pub(super) book: Book,
    web_plans: Vec<WebPlan>,
    database_plans: Vec<DatabasePlan>,
    cache_plans: Vec<CachePlan>,
    models: Vec<Model>,
}

impl Edition {
    /// The edition of a date, or the newest for `latest`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        match name {
            "latest" => Self::all().last(),
            date => Self::all().iter().find(|edition| edition.date() == date),
        }
    }

    /// The newest edition.
    #[must_use]
    pub fn latest() -> &'static Self {
        &Self::all()[Self::all().len() - 1]
    }

    /// What [`Edition::named`] answers to: dates, earliest first, then `latest`.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        Self::all().iter().map(Self::date).chain(["latest"]).collect()
    }

    /// Every edition, earliest first; read once.
    #[must_use]
    pub fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Edition>> = OnceLock::new();
        ALL.get_or_init(|| {
            let mut books: Vec<Book> = Vec::new();
            for text in TEXTS {
                // The texts are part of the program and the tests read them: a mistake in one is a bug.
                let book = Book::parse(text, &books).unwrap_or_else(|problem| panic!("catalogue: {problem}"));
                books.push(book);
            }
            let editions: Result<Vec<_>, _> = books.into_iter().map(Self::typed).collect();
            editions.unwrap_or_else(|problem| panic!("catalogue: {problem}"))
        })
    }

    /// The day that the edition describes, `YYYY-MM-DD`.
    #[must_use]
    pub fn date(&self) -> &str {
        &self.book.date
    }

    /// A plan for web services or workers.
    #[must_use]
    pub fn web_plan(&self, name: &str) -> Option<&WebPlan> {
        find(&self.web_plans, name)
    }

    /// Every plan for web services, cheapest first.
    #[must_use]
    pub fn web_plans(&self) -> &[WebPlan] {
        &self.web_plans
    }

    /// What [`Edition::web_plan`] answers to: names, cheapest first, each followed by its other names.
    #[must_use]
    pub fn web_plan_names(&self) -> Vec<&str> {
        all_names(&self.web_plans)
    }

    /// A plan for database servers.
    #[must_use]
    pub fn database_plan(&self, name: &str) -> Option<&DatabasePlan> {
        find(&self.database_plans, name)
    }

    /// Every plan for database servers, cheapest first.
    #[must_use]
    pub fn database_plans(&self) -> &[DatabasePlan] {
        &self.database_plans
    }

    /// What [`Edition::database_plan`] answers to: names, cheapest first, each followed by its other names.
    #[must_use]
    pub fn database_plan_names(&self) -> Vec<&str> {
        all_names(&self.database_plans)
    }

    /// A plan for caches: the platform's, or one of Upstash's, whose names begin with `upstash-`.
    #[must_use]
    pub fn cache_plan(&self, name: &str) -> Option<&CachePlan> {
        find(&self.cache_plans, name)
    }

    /// Every plan for caches, cheapest first.
    #[must_use]
    pub fn cache_plans(&self) -> &[CachePlan] {
        &self.cache_plans
    }

    /// What [`Edition::cache_plan`] answers to: names, cheapest first, each followed by its other names.
    #[must_use]
    pub fn cache_plan_names(&self) -> Vec<&str> {
        all_names(&self.cache_plans)
    }

    /// A model, withdrawn ones among them.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }

    /// Every model, by name.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// Names of the models.
    #[must_use]
    pub fn model_names(&self) -> Vec<&str> {
        self.models.iter().map(|model| model.name.as_str()).collect()
    }

    /// Names of the platform's workspaces.
    #[must_use]
    pub fn workspace_names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for path in self.book.figures.keys() {
            if let [render, workspace, name, _] = &path[..]
                && render == "render"
                && workspace == "workspace"
                && !names.contains(&name.as_str())
            {
                names.push(name.as_str());
            }
        }
        names
    }

    /// Version of a package in this edition, such as that of `p-queue`.
    #[must_use]
    pub fn package(&self, name: &str) -> Option<&Figure<Value>> {
        self.book
            .figures
            .get(&["package", name, "version"].map(str::to_owned)[..])
    }

    /// Any figure by its dotted key, such as `twilio.sms.price`; names with dots in them are found too.
    #[must_use]
    pub fn figure(&self, key: &str) -> Option<&Figure<Value>> {
        self.book
            .figures
            .iter()
            .find(|(path, _)| is_written(path, key))
            .map(|(_, figure)| figure)
    }

    /// A figure by its dotted key, where it is a number; in the unit that [`super::explain`] names.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<Figure<f64>> {
        let figure = self.figure(key)?;
        match figure.value {
            Value::Number(number) => Some(figure.map(|_| number)),
            _ => None,
        }
    }

    /// Reads plans and models out of a book; the error names what is missing or of the wrong kind.
    pub(super) fn typed(book: Book) -> Result<Self, String> {
        let mut web_plans = Vec::new();
        for entry in Entry::all(&book, &["render", "web"]) {
            web_plans.push(WebPlan {
                name: entry.name(),
                aliases: entry.aliases(),
                cores: entry.needed("cores", Entry::number)?,
                memory: entry.needed("memory", Entry::bytes)?,
                price: entry.needed("price", Entry::number)?,
            });
        }
        let mut database_plans = Vec::new();
        for entry in Entry::all(&book, &["render", "postgres"]) {
            database_plans.push(DatabasePlan {
                name: entry.name(),
                aliases: entry.aliases(),
                cores: entry.needed("cores", Entry::number)?,
                memory: entry.needed("memory", Entry::bytes)?,
                max_connections: entry.needed("max_connections", Entry::count32)?,
                price: entry.needed("price", Entry::number)?,
            });
        }
        let mut cache_plans = Vec::new();
        for group in [["render", "key-value"], ["upstash", "redis"]] {
            for entry in Entry::all(&book, &group) {
                cache_plans.push(CachePlan {
                    name: entry.name(),
                    aliases: entry.aliases(),
                    memory: entry.bytes("memory")?,
                    max_connections: entry.count32("max_connections")?,
                    commands_per_day: entry.count("commands_per_day")?,
                    commands_per_month: entry.count("commands_per_month")?,
                    price: entry.needed("price", Entry::number)?,
                    price_per_100k_commands: entry.number("price_per_100k_commands")?,
                });
            }
        }
        let mut models = Vec::new();
        for entry in Entry::all(&book, &["openai", "model"]) {
            models.push(entry.model()?);
        }
        web_plans.sort_by(|a, b| a.price.value.total_cmp(&b.price.value));
        database_plans.sort_by(|a, b| a.price.value.total_cmp(&b.price.value));
        cache_plans.sort_by(|a, b| a.price.value.total_cmp(&b.price.value));
        Ok(Self {
            book,
            web_plans,
            database_plans,
            cache_plans,
            models,
        })
    }
}

/// Whether `key` is `path` with dots between the names.
pub(super) fn is_written(path: &[String], key: &str) -> bool {
    let mut rest = Some(key);
    for name in path {
        let Some(after) = rest.and_then(|rest| rest.strip_prefix(name.as_str())) else {
            return false;
        };
        rest = match after.strip_prefix('.') {
            Some(after) => Some(after),
            None if after.is_empty() => None,
            None => return false,
        };
    }
    rest.is_none()
}

/// One named thing in a book: all figures below its path.
struct Entry<'a> {
    book: &'a Book,
    path: Path,
}

impl<'a> Entry<'a> {
    /// Everything that `group` holds, by name.
    fn all(book: &'a Book, group: &[&str]) -> Vec<Self> {
        let names: BTreeSet<&String> = book
            .figures
            .keys()
            .filter(|path| path.len() > group.len() && path.iter().zip(group).all(|(a, b)| a == b))
            .map(|path| &path[group.len()])
            .collect();
        let path_of = |name: &String| {
            group
                .iter()
                .map(|part| (*part).to_owned())
                .chain([name.clone()])
                .collect()
        };
        names
            .into_iter()
            .map(|name| Self {
                book,
                path: path_of(name),
            })
            .collect()
    }

    fn name(&self) -> String {
        self.path.last().cloned().unwrap_or_default()
    }

    fn aliases(&self) -> Vec<String> {
        self.book.aliases.get(&self.path).cloned().unwrap_or_default()
    }

    fn figure(&self, key: &str) -> Option<&'a Figure<Value>> {
        let path: Path = self
            .path
            .iter()
            .cloned()
            .chain(key.split('.').map(str::to_owned))
            .collect();
        self.book.figures.get(&path)
    }

    fn wrong(&self, key: &str, problem: &str) -> String {
        format!("{}: {}.{key} {problem}", self.book.date, self.path.join("."))
    }

    /// What `read` finds, which has to be there.
    fn needed<T>(&self, key: &str, read: impl Fn(&Self, &str) -> Result<Option<T>, String>) -> Result<T, String> {
        read(self, key)?.ok_or_else(|| self.wrong(key, "is missing"))
    }

    fn number(&self, key: &str) -> Result<Option<Figure<f64>>, String> {
        let Some(figure) = self.figure(key) else {
            return Ok(None);
        };
        match figure.value {
            Value::Number(number) => Ok(Some(figure.map(|_| number))),
            _ => Err(self.wrong(key, "is not a number")),
        }
    }

    /// A number of MB as bytes.
    fn bytes(&self, key: &str) -> Result<Option<Figure<u64>>, String> {
        // Sizes in the data are whole and far below 2^53, so nothing is lost.
        Ok(self
            .number(key)?
            .map(|figure| figure.map(|megabytes| (megabytes * MEGABYTE) as u64)))
    }

    fn count(&self, key: &str) -> Result<Option<Figure<u64>>, String> {
        match self.number(key)? {
            Some(figure) if figure.value.fract() != 0.0 => Err(self.wrong(key, "is not a whole number")),
            figure => Ok(figure.map(|figure| figure.map(|number| *number as u64))),
        }
    }

    fn count32(&self, key: &str) -> Result<Option<Figure<u32>>, String> {
        let Some(figure) = self.count(key)? else {
            return Ok(None);
        };
        let count = u32::try_from(figure.value).map_err(|_| self.wrong(key, "is too large"))?;
        Ok(Some(figure.map(|_| count)))
    }

    fn latency(&self, key: &str) -> Result<Option<Figure<Latency>>, String> {
        let Some(figure) = self.figure(key) else {
            return Ok(None);
        };
        match figure.value {
            Value::Latency(latency) => Ok(Some(figure.map(|_| latency))),
            _ => Err(self.wrong(key, "is not a time")),
        }
    }

    fn withdrawal(&self) -> Result<Option<Withdrawal>, String> {
        let replacements = match self.figure("replacements") {
            None => None,
            Some(figure) => match &figure.value {
                Value::Names(names) => Some(figure.map(|_| names.clone())),
                _ => return Err(self.wrong("replacements", "is not a list of names")),
            },
        };
        match self.figure("withdrawn") {
            None if replacements.is_some() => Err(self.wrong("replacements", "has no withdrawn beside it")),
            None => Ok(None),
            Some(figure) => match &figure.value {
                Value::Date(day) => Ok(Some(Withdrawal {
                    date: figure.map(|_| day.clone()),
                    replacements,
                })),
                _ => Err(self.wrong("withdrawn", "is not a day")),
            },
        }
    }

    fn model(&self) -> Result<Model, String> {
        let mut tiers = Vec::new();
        for tier in 1..=5 {
            let limits = TierLimits {
                tier,
                requests_per_minute: self.count(&format!("tier.{tier}.requests_per_minute"))?,
                tokens_per_minute: self.count(&format!("tier.{tier}.tokens_per_minute"))?,
                requests_per_day: self.count(&format!("tier.{tier}.requests_per_day"))?,
            };
            if limits.requests_per_minute.is_some() || limits.tokens_per_minute.is_some() {
                tiers.push(limits);
            }
        }
        Ok(Model {
            name: self.name(),
            price_in: self.number("price_in")?,
            price_cached: self.number("price_cached")?,
            price_out: self.number("price_out")?,
            price_audio_minute: self.number("price_audio_minute")?,
            first_token: self.latency("first_token")?,
            per_token: self.latency("per_token")?,
            per_audio_minute: self.latency("per_audio_minute")?,
            withdrawn: self.withdrawal()?,
            tiers,
        })
    }
}
