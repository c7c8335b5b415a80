//! What an account decides, on a clock that is turned by hand.

use std::sync::Mutex;

use futures::StreamExt;
use highwater_host::{Host, VirtualHost};
use highwater_models::machine::provider_limit::RetryAfter;

use super::*;
use crate::provider::{Provider, Question, Refusal};

fn speed(first: f64, per_unit: Option<f64>, answer: f64) -> Speed {
    Speed {
        audio: false,
        first: Sampler::constant(first),
        per_unit: per_unit.map(Sampler::constant),
        answer: Sampler::constant(answer),
    }
}

fn terms() -> Terms {
    Terms {
        name: "openai".to_owned(),
        limit: ProviderLimitConfig::UNLIMITED,
        concurrent: u32::MAX,
        fails: 0.0,
        timeout: SimSpan::from_secs(600),
        spend_limit: f64::INFINITY,
        models: vec![ModelTerms {
            name: "gpt-4".to_owned(),
            limit: None,
            tariff: None,
            speed: Some(speed(1.0, Some(0.01), 100.0)),
        }],
    }
}

fn call(prompt: f64) -> Call {
    Call {
        model: 0,
        prompt,
        answer_max: None,
        audio: false,
        stream: false,
        luck: None,
    }
}

fn question(stream: bool) -> Question {
    Question {
        model: "gpt-4".to_owned(),
        prompt: 700.0,
        answer_max: None,
        audio: false,
        stream,
        luck: Luck {
            answer: 100.0,
            first: SimSpan::from_secs(1),
            per_token: Some(SimSpan::from_millis(10)),
            chance: 0.5,
        },
    }
}

/// What one question gets, with when it began to answer, and its pieces with theirs.
type Heard = (
    SimTime,
    Result<String, Refusal>,
    Vec<(SimTime, Result<String, Refusal>)>,
);

fn hear(host: &Arc<VirtualHost>, account: &Account, question: Question) -> Option<Heard> {
    let heard = Arc::new(Mutex::new(None));
    let (of_task, host_of, account) = (Arc::clone(&heard), Arc::clone(host), account.clone());
    host.spawn(Box::pin(async move {
        let answer = account.ask(&question).await;
        let at = host_of.now();
        let mut pieces = Vec::new();
        let text = match answer {
            Err(refusal) => Err(refusal),
            Ok(answer) => {
                if let Some(mut rest) = answer.rest {
                    while let Some(piece) = rest.next().await {
                        pieces.push((host_of.now(), piece));
                    }
                }
                Ok(answer.text)
            }
        };
        *of_task.lock().expect("no task panics") = Some((at, text, pieces));
    }));
    host.run(SimTime::ZERO + SimSpan::from_secs(3600));
    heard.lock().expect("no task panics").take()
}

fn at(millis: u64) -> SimTime {
    SimTime::ZERO + SimSpan::from_millis(millis)
}

// Lost if broken: how long an answer takes, whole or in pieces, and that the pieces are the whole.
#[test]
fn an_answer_takes_its_first_token_and_all_that_follow() {
    let host = VirtualHost::new();
    let account = Account::new(host.clone(), terms(), 1);
    let (when, whole, _) = hear(&host, &account, question(false)).expect("an answer");
    assert_eq!(when, at(2000));
    let whole = whole.expect("no refusal");
    assert_eq!(super::super::words::count(&whole), 100);

    let host = VirtualHost::new();
    let account = Account::new(host.clone(), terms(), 1);
    let (when, first, pieces) = hear(&host, &account, question(true)).expect("an answer");
    assert_eq!(when, at(1000));
    assert_eq!(pieces.last().map(|(at, _)| *at), Some(at(2000)));
    // A second in pieces of twenty milliseconds.
    assert_eq!(pieces.len(), 50);
    let rest: String = pieces
        .into_iter()
        .map(|(_, piece)| piece.expect("no refusal"))
        .collect();
    assert_eq!(first.expect("no refusal") + &rest, whole);
    assert_eq!(account.figures().in_flight, 0);
}

// Lost if broken: the order in which the simulator's provider decides, and what each refusal has used up.
#[test]
fn money_is_looked_at_before_limits_and_limits_are_charged_before_places_are_counted() {
    let host = VirtualHost::new();
    let mut terms = terms();
    terms.limit.requests_per_minute = Some(2);
    terms.limit.refused_count = false;
    terms.concurrent = 1;
    terms.spend_limit = 0.0;
    let account = Account::new(host.clone(), terms.clone(), 1);
    assert_eq!(account.begin(&call(1.0)).err(), Some(Refused::Spent));

    terms.spend_limit = f64::INFINITY;
    let account = Account::new(host.clone(), terms, 1);
    let first = account.begin(&call(1.0)).expect("the first is taken");
    assert_eq!(first.allowance().requests.map(|left| left.left), Some(1));
    // Too many at once, and the limit is charged for it.
    assert!(matches!(account.begin(&call(1.0)).err(), Some(Refused::Busy(_))));
    drop(first);
    let Some(Refused::Limit {
        by, retry_after, asked, ..
    }) = account.begin(&call(1.0)).err()
    else {
        panic!("the limit is used up")
    };
    assert_eq!((by, asked), (LimitBy::RequestsPerMinute, 1));
    assert_eq!(retry_after, Some(SimSpan::from_secs(30)));
    let figures = account.figures();
    assert_eq!((figures.taken, figures.refused, figures.in_flight), (1, 2, 0));
}

// Lost if broken: a model's own limit, and tokens charged by the bound rather than by the answer.
#[test]
fn a_model_has_limits_of_its_own_and_a_bound_is_charged_instead_of_the_answer() {
    let host = VirtualHost::new();
    let mut terms = terms();
    terms.models[0].limit = Some(ProviderLimitConfig {
        tokens_per_minute: Some(1000),
        retry_after: RetryAfter::WholeSeconds,
        ..ProviderLimitConfig::UNLIMITED
    });
    let account = Account::new(host.clone(), terms, 1);
    // 500 and the 100 of the answer.
    drop(account.begin(&call(500.0)).expect("taken"));
    let bound = Call {
        answer_max: Some(401),
        ..call(0.0)
    };
    let Some(Refused::Limit {
        left, asked, allowance, ..
    }) = account.begin(&bound).err()
    else {
        panic!("400 are left")
    };
    assert_eq!(asked, 401);
    assert_eq!(left.map(|left| (left.limit, left.left)), Some((1000, 400)));
    assert_eq!(allowance.tokens.map(|left| left.full_in), Some(SimSpan::from_secs(36)));
    let fits = Call {
        answer_max: Some(400),
        ..call(0.0)
    };
    assert!(account.begin(&fits).is_ok());
}

// Lost if broken: faults that do not show, or do not end.
#[test]
fn faults_slow_fail_hang_and_refuse_and_end() {
    let host = VirtualHost::new();
    let account = Account::new(host.clone(), terms(), 1);
    let minute = Some(SimSpan::from_secs(60));
    account.trouble(Trouble::Slow(3.0), minute).expect("a fault");
    assert_eq!(
        hear(&host, &account, question(false)).map(|heard| heard.0),
        Some(at(6000))
    );

    let host = VirtualHost::new();
    let account = Account::new(host.clone(), terms(), 1);
    account.trouble(Trouble::Errors(0.51), minute).expect("a fault");
    let (when, text, _) = hear(&host, &account, question(false)).expect("an answer");
    assert_eq!((when, text), (at(2000), Err(Refusal::Failed)));
    account.end_troubles();
    account.trouble(Trouble::Errors(0.5), None).expect("a fault");
    assert!(hear(&host, &account, question(false)).expect("an answer").1.is_ok());

    let host = VirtualHost::new();
    let account = Account::new(host.clone(), terms(), 1);
    account.trouble(Trouble::Down { hang: false }, None).expect("a fault");
    let (_, text, _) = hear(&host, &account, question(false)).expect("an answer");
    assert!(matches!(text, Err(Refusal::Unreachable(_))));
    assert_eq!(account.figures().in_flight, 0);
    account.end_troubles();
    account.trouble(Trouble::Down { hang: true }, minute).expect("a fault");
    assert_eq!(hear(&host, &account, question(false)), None);
    // Whoever hangs holds a place until it hangs up; the host has been dropped with its tasks by now.
    assert_eq!(account.troubles().len(), 1);
    for _ in 1..TROUBLES_MAX {
        account.trouble(Trouble::Slow(1.0), None).expect("a fault");
    }
    assert!(account.trouble(Trouble::Slow(1.0), None).is_err());
}

// Lost if broken: what the caller's chance has decided is drawn again, or draws depend on who else asks.
#[test]
fn who_brings_luck_gets_it_and_others_draw_by_their_number() {
    let host = VirtualHost::new();
    let mut terms = terms();
    terms.models[0].speed = Some(Speed {
        first: Sampler::new(&highwater_models::file::Quantity {
            law: highwater_models::file::Law::Exponential { mean: 1.0 },
            min: None,
            max: None,
            plus: 0.0,
        }),
        ..speed(0.0, None, 7.0)
    });
    let drawn = |seed| {
        let account = Account::new(host.clone(), terms.clone(), seed);
        [0, 1, 2].map(|_| account.begin(&call(1.0)).ok().map(|turn| turn.first))
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
    assert_ne!(drawn(1)[0], drawn(1)[1]);
    let account = Account::new(host.clone(), terms.clone(), 1);
    let lucky = Call {
        luck: Some(question(false).luck),
        ..call(1.0)
    };
    let turn = account.begin(&lucky).expect("taken");
    assert_eq!((turn.first, turn.usage()), (at(2000), (1.0, 100.0)));
}
