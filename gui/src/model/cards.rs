//! The bundled scenarios as cards: a name, the question it asks, what to look at.
//!
//! Owns: their grouping. Never: their texts.

use highwater_models::bundled::{self, Bundled};

/// A bundled scenario on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its bundled name.
    pub name: &'static str,
    /// Its title.
    pub title: String,
    /// The question that it asks.
    pub question: String,
}

/// Cards under a heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelf {
    /// What they have in common.
    pub title: &'static str,
    /// In the order in which one would read them.
    pub cards: Vec<Card>,
}

/// Every bundled scenario.
#[must_use]
pub fn shelves() -> Vec<Shelf> {
    let shelf = |title, wanted: fn(&str) -> bool| Shelf {
        title,
        cards: bundled::scenarios()
            .iter()
            .filter(|file| wanted(file.name))
            .map(card)
            .collect(),
    };
    vec![
        shelf("One product through its days", |name| {
            !name.starts_with("growth-") && !name.starts_with("textbook/")
        }),
        shelf("Growth, a month at a time", |name| name.starts_with("growth-")),
        shelf("From the textbook", |name| name.starts_with("textbook/")),
    ]
}

fn card(file: &Bundled) -> Card {
    let title = file
        .text
        .lines()
        .find_map(|line| line.strip_prefix("title").and_then(|rest| rest.split('"').nth(1)));
    Card {
        name: file.name,
        title: title.unwrap_or(file.name).to_owned(),
        question: file.question(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a bundled scenario that nobody can find in the app.
    #[test]
    fn every_scenario_has_its_card() {
        let cards: Vec<Card> = shelves().into_iter().flat_map(|shelf| shelf.cards).collect();
        assert_eq!(cards.len(), bundled::scenarios().len());
        let spike = cards.iter().find(|card| card.name == "viral-spike").expect("bundled");
        assert_eq!(spike.title, "Viral spike: 5,000 people at once");
        assert!(cards.iter().all(|card| card.question.ends_with('?')));
    }
}
