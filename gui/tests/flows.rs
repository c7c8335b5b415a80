//! What a user does, by the names that are read aloud: no window, no graphics driver.

use std::path::Path;
use std::time::Duration;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use highwater_gui::App;
use highwater_gui::state::{Run, Variant, View};
use highwater_program::files;
use highwater_report::json;
use highwater_report::page::Tone;
use highwater_sim::experiment::{self, Options};

/// One place for jobs of 100 ms, of which twelve come a second: it cannot hold. With two it does.
const SCENARIO: &str = include_str!("places.toml");

fn harness(app: App) -> Harness<'static, App> {
    let mut harness = Harness::builder()
        .with_size([1280.0, 800.0])
        .with_max_steps(64)
        .build_ui_state(|ui, app: &mut App| app.draw(ui), app);
    harness.run_steps(4);
    harness
}

/// Goes on until the worker has nothing left to do.
fn settle(harness: &mut Harness<'_, App>) {
    harness.run_steps(2);
    let mut looks = 0;
    while harness.state().is_busy() {
        std::thread::sleep(Duration::from_millis(5));
        looks += 1;
        assert!(looks < 24_000, "the worker does not come to an end");
    }
    harness.run_steps(4);
}

fn scenario(folder: &Path) -> String {
    let path = folder.join("places.toml");
    std::fs::write(&path, SCENARIO).expect("a folder of our own");
    path.display().to_string()
}

fn tone(harness: &Harness<'_, App>) -> Tone {
    harness.state().state().shown.as_ref().expect("a result").verdict().1
}

// Lost if broken: the way that the app is made for, from the first card to a saved scenario.
#[test]
fn open_a_scenario_move_a_slider_see_it_hold_save_it_and_open_it_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = scenario(folder.path());
    let mut harness = harness(App::new());
    harness.get_by_label("Open viral-spike");
    harness.get_by_label("A scenario file of yours").focus();
    harness.run_steps(2);
    harness
        .get_by_role_and_label(egui::accesskit::Role::TextInput, "A scenario file of yours")
        .type_text(&path);
    harness.run_steps(2);
    harness.get_by_label("Open").click();
    settle(&mut harness);
    assert_eq!(harness.state().state().view(), View::Explore);
    assert_eq!(tone(&harness), Tone::Bad);
    harness.get_by_label("It does not hold");

    // The next step is found, and a slider does the same.
    let next = harness.state().state().next_step.as_ref().expect("it was looked for");
    assert_eq!(highwater_gui::command::edits_of(next)[0].path, "places.max");
    let slider = harness.get_by_role_and_label(egui::accesskit::Role::Slider, "max of places");
    slider.set_value_accesskit(2.0);
    settle(&mut harness);
    assert_eq!(
        harness.state().state().again(),
        format!("highwater run {path} --set places.max=2")
    );
    assert_eq!(tone(&harness), Tone::Good);
    harness.get_by_label("It holds");

    // Undone and applied as the next step.
    harness.get_by_label("Undo").click();
    settle(&mut harness);
    assert_eq!(tone(&harness), Tone::Bad);
    harness.get_by_label("Apply the next step").click();
    settle(&mut harness);
    assert_eq!(tone(&harness), Tone::Good);

    // Scrubbed.
    harness.get_by_label("Map").click();
    harness.run_steps(4);
    harness
        .get_by_role_and_label(egui::accesskit::Role::Slider, "Moment of the run")
        .set_value_accesskit(120.0);
    harness.run_steps(4);
    assert_eq!(harness.state().state().moment.at, 120.0);

    // Compared with the file.
    harness.get_by_label("Compare").click();
    harness.run_steps(2);
    harness.get_by_label("Compare the two").click();
    settle(&mut harness);
    let compare = &harness.state().state().compare;
    assert_eq!(compare.a, Variant::File);
    assert!(compare.found.is_some(), "{}", compare.why);
    harness.get_by_label("The figures that a decision hangs on");

    // Saved beside its file, and the command makes the same of it.
    let saved = folder.path().join("two-places.toml").display().to_string();
    harness
        .state_mut()
        .want(highwater_gui::command::Command::Save(saved.clone()));
    settle(&mut harness);
    let shown = harness.state().state().shown.clone().expect("a result");
    let found = files::find(&saved).expect("it was saved");
    let plan = files::read(&saved, found, &[]).plan.expect("it is right");
    let outcome = experiment::run(&plan, &Options::default(), &|_: f64| ()).expect("it runs");
    assert_eq!(json::text(&shown.outcome.summary), json::text(&outcome.summary));

    // And opened again.
    let mut harness = self::harness(App::new().opening(&saved));
    settle(&mut harness);
    assert_eq!(tone(&harness), Tone::Good);
    harness.get_by_label("It holds");
}

// Lost if broken: a file with a mistake that leaves an empty window.
#[test]
fn mistakes_are_shown_as_the_command_shows_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wrong.toml").display().to_string();
    std::fs::write(&path, SCENARIO.replace("from = \"places\"", "from = \"place\"")).expect("a folder of our own");
    let mut harness = harness(App::new().opening(&path));
    settle(&mut harness);
    let Run::Refused(said) = &harness.state().state().run else {
        panic!("{:?}", harness.state().state().run);
    };
    assert!(
        said.contains("did you mean `places`?") && said.contains("wrong.toml:14:"),
        "{said}"
    );
    harness.get_by_label("The file has mistakes");
}

// Lost if broken: a view that panics, has a control without a name, or never comes to rest.
#[test]
fn every_view_can_be_opened_with_a_result_and_in_both_looks() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = scenario(folder.path());
    let mut harness = harness(App::new().opening(&path));
    settle(&mut harness);
    for look in ["Dark", "Light"] {
        if let Some(button) = harness.query_by_label(look) {
            button.click();
        }
        harness.run_steps(3);
        for view in View::ALL {
            harness.state_mut().want(highwater_gui::command::Command::Show(view));
            harness.run_steps(4);
            assert_eq!(harness.state().state().view(), view);
        }
    }
}

// Lost if broken: whoever works without a mouse.
#[test]
fn keys_open_views_and_take_changes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = scenario(folder.path());
    let mut harness = harness(App::new().opening(&path));
    settle(&mut harness);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num3);
    harness.run_steps(3);
    assert_eq!(harness.state().state().view(), View::Timelines);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::F);
    harness.run_steps(3);
    assert_eq!(harness.state().state().view(), View::Explore);
    let edit = highwater_gui::document::Edit {
        path: "seed".to_owned(),
        value: "7".to_owned(),
    };
    harness
        .state_mut()
        .want(highwater_gui::command::Command::Set(vec![edit]));
    settle(&mut harness);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    settle(&mut harness);
    let document = harness.state().state().document.as_ref().expect("open").is_changed();
    assert!(!document);
}
