//! What chance has decided about an attempt, on its way to the bundled upstream.

use highwater_models::SimSpan;

use super::Luck;

/// The header that carries it. No real provider ever gets it.
pub const HEADER: &str = "x-highwater-luck";

/// Most tokens that a prompt or an answer may have, and most seconds of a recording.
const MOST: f64 = 1e7;

/// As the header's value, with the exact prompt: text has whole words.
#[must_use]
pub fn write(prompt: f64, luck: &Luck) -> String {
    let each = luck
        .per_token
        .map_or(String::new(), |span| format!(";each={}", span.nanos()));
    format!(
        "prompt={prompt};answer={};first={}{each};chance={}",
        luck.answer,
        luck.first.nanos(),
        luck.chance
    )
}

/// The prompt and the luck of a header's value; none where it is not one.
#[must_use]
pub fn read(text: &str) -> Option<(f64, Luck)> {
    let (mut prompt, mut answer, mut first, mut each, mut chance) = (None, None, None, None, None);
    for part in text.split(';') {
        let (name, value) = part.split_once('=')?;
        let place = match name.trim() {
            "prompt" => &mut prompt,
            "answer" => &mut answer,
            "chance" => &mut chance,
            "first" => {
                first = Some(SimSpan::from_nanos(value.trim().parse().ok()?));
                continue;
            }
            "each" => {
                each = Some(SimSpan::from_nanos(value.trim().parse().ok()?));
                continue;
            }
            _ => return None,
        };
        let number: f64 = value.trim().parse().ok()?;
        *place = Some(number).filter(|number| (0.0..=MOST).contains(number));
    }
    let luck = Luck {
        answer: answer?,
        first: first?,
        per_token: each,
        chance: chance?,
    };
    Some((prompt?, luck))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: the two runs do not share their luck to the last bit.
    #[test]
    fn it_arrives_as_it_was_sent() {
        for per_token in [None, Some(SimSpan::from_nanos(8_123_457))] {
            let luck = Luck {
                answer: 181.0,
                first: SimSpan::from_nanos(412_345_678_901),
                per_token,
                chance: 0.1 + 0.2,
            };
            assert_eq!(read(&write(700.1 / 3.0, &luck)), Some((700.1 / 3.0, luck)));
        }
    }

    #[test]
    fn nonsense_is_no_luck() {
        for text in [
            "",
            "prompt",
            "prompt=1;answer=2;first=3",
            "prompt=1;answer=-2;first=3;chance=0",
            "prompt=inf;answer=2;first=3;chance=0",
            "prompt=NaN;answer=2;first=3;chance=0",
            "prompt=1;answer=2;first=3.5;chance=0",
            "prompt=1;answer=2;first=3;chance=0;more=1",
            "prompt=1;answer=1e300;first=3;chance=0",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
