//! Each rule of `review/money.rs` in a system that breaks it, and in one that comes close.

use super::*;

#[test]
fn fees_that_are_left_out() {
    check(
        "card-fees-left-out",
        &["money={ paying = 0.05 }"],
        "$12.00 x 2.9 % + $0.30 = $0.65 of each payment, 5.4 %",
        &["money={ paying = 0.05, payment = { share = 0.01 } }"],
    );
}

#[test]
fn a_world_in_which_everybody_pays() {
    check(
        "everybody-pays",
        &["money.paying=1.0"],
        "1,000 users x $12.00 = $12,000.00 a month; if one in twenty pays, $600.00",
        &["money.paying=0.99"],
    );
}

#[test]
fn a_user_who_costs_more_than_a_user_pays() {
    // A call costs 400 x 1 + 200 x 1 millionths of a dollar; 12 x 0.05 dollars come in.
    let registered = |sessions: u32| {
        vec![
            format!(
                "load={{ flow = \"visit\", registered = 1000, day = {{ sessions_per_user = {sessions} }}, people = {{ count = 1000 }} }}"
            ),
            "openai.use.chat=swift".to_owned(),
        ]
    };
    let (many, few) = (registered(34), registered(33));
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let few: Vec<&str> = few.iter().map(String::as_str).collect();
    check_load(
        "answers-cost-more-than-users-pay",
        &many,
        "1,020 sessions a month x $0.0006 of models = $0.61; a registered user pays $0.60",
        &few,
    );
}
