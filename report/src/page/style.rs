//! How a page looks: on a light and a dark screen, on a phone, on paper.
//!
//! Owns: all of its CSS. Colours are the plots'.

use std::fmt::Write;

use crate::plot::palette::{self, Color, DARK};

/// Rules that name colours by variables.
const RULES: &str = "
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',Helvetica,Arial,sans-serif}
main{max-width:52.5rem;margin:0 auto;padding:1.5rem 1.25rem 3rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .35rem;overflow-wrap:anywhere}
h2{font-size:1.3rem;line-height:1.3;margin:2.6rem 0 .7rem;padding-top:.9rem;border-top:1px solid var(--rule)}
h3{font-size:1.05rem;line-height:1.35;margin:0 0 .2rem}
p{margin:.5rem 0;overflow-wrap:anywhere}
a{color:var(--link)}
.question{font-size:1.05rem;color:var(--faint);margin:.2rem 0 .6rem}
.subject,.note,footer{color:var(--faint);font-size:.88rem}
.verdict{margin:1.2rem 0;padding:.9rem 1.1rem;border-left:.4rem solid var(--faint);background:var(--box);border-radius:.3rem}
.verdict.good{border-color:var(--good)}.verdict.bad{border-color:var(--bad)}
.verdict h2{border:0;padding:0;margin:0 0 .3rem;font-size:1.25rem}
.verdict.good h2{color:var(--goodtext)}.verdict.bad h2{color:var(--badtext)}
.verdict p{font-size:1.05rem;margin:.3rem 0}
.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.6rem,1fr));gap:.7rem;margin:1rem 0}
.numbers div{background:var(--box);border-radius:.3rem;padding:.6rem .8rem}
.numbers dt{overflow-wrap:anywhere;font-size:.85rem;color:var(--faint)}
.numbers dd{margin:0}
.numbers .value{font-size:1.4rem;white-space:nowrap;font-weight:650;line-height:1.25;font-variant-numeric:tabular-nums}
.numbers .beside{font-size:.8rem;color:var(--faint)}
nav{margin:1rem 0 0;font-size:.92rem}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:0;padding:0}
nav a{display:inline-block;padding:.25rem 0}
figure{margin:1.4rem 0 2rem}
figcaption p{margin:.1rem 0 .5rem}
figure svg{display:block;width:100%;height:auto}
figure .note{margin:.3rem 0 .4rem}
.narrow{display:none}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.9rem;margin:.3rem 0;min-width:min(100%,30rem)}
caption{text-align:left;font-weight:600;padding:.2rem 0}
th,td{padding:.32rem .8rem .32rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule);font-weight:400}
th:last-child,td:last-child{padding-right:0}
thead th{color:var(--faint);font-size:.82rem;border-bottom-color:var(--axis)}
.right{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.keep{white-space:nowrap}
td.good,th.good,.word.good,.value.good{color:var(--goodtext)}
td.bad,th.bad,.word.bad,.value.bad{color:var(--badtext);font-weight:650}
td.open,th.open,.word.open{font-weight:650}
td.faint,th.faint{color:var(--faint)}
th[scope=row]{white-space:nowrap;max-width:22rem;overflow:hidden;text-overflow:ellipsis}
details{margin:.3rem 0}
summary{cursor:pointer;color:var(--link);padding:.25rem 0;font-size:.9rem}
summary:focus-visible,a:focus-visible,.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
ul.items{list-style:none;margin:.5rem 0;padding:0}
ul.items>li{margin:0 0 .8rem;padding-left:.8rem;border-left:3px solid var(--rule);overflow-wrap:anywhere}
.word{font-weight:650;margin-right:.4rem}
dl.more{margin:.15rem 0 0;display:grid;grid-template-columns:max-content 1fr;gap:.1rem .7rem;font-size:.9rem}
dl.more dt,dl.facts dt{color:var(--faint)}
dl.more dd,dl.facts dd{margin:0;overflow-wrap:anywhere}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.6rem 0}
code,pre{font-family:ui-monospace,'Cascadia Mono',Menlo,Consolas,monospace;font-size:.9em}
code{background:var(--box);padding:.05em .25em;border-radius:.2em;overflow-wrap:anywhere}
pre{background:var(--box);padding:.7rem .9rem;border-radius:.3rem;white-space:pre-wrap;overflow-wrap:anywhere;margin:.5rem 0}
pre code{padding:0;background:none}
footer{margin-top:2.5rem;border-top:1px solid var(--rule);padding-top:.7rem}
@media (max-width:680px){
main{padding:1rem .9rem 2rem}
h1{font-size:1.45rem}
.wide{display:none}.narrow{display:block}
.numbers{grid-template-columns:1fr 1fr}
.numbers .value{font-size:1.25rem}
.numbers div:last-child:nth-child(odd){grid-column:span 2}
.cards table,.cards tbody,.cards tr{display:block;min-width:0}
.cards thead,.cards thead tr{display:block}
.cards thead tr{padding:0;border:0}
.cards thead th:not(:first-child),.cards thead th:empty{display:none}
.cards tr{padding:.45rem 0;border-bottom:1px solid var(--rule)}
.cards th,.cards td{border:0;padding:0;display:block;text-align:left;white-space:normal}
.cards th[scope=row]{font-weight:650;max-width:none}
.cards td{display:inline-block;margin-right:1rem}
.cards td:empty{display:none}
.cards td[data-name]::before{content:attr(data-name) ' ';color:var(--faint);font-weight:400;font-size:.85em}
dl.more{grid-template-columns:1fr}
dl.more dt{margin-top:.2rem}
}
";

/// Rules for paper: light, everything unfolded, nothing torn apart.
const PRINT: &str = "
@page{margin:14mm}
body{font-size:10.5pt}
main{max-width:none;padding:0}
nav{display:none}
.wide{display:block}.narrow{display:none}
h2,h3,figcaption,summary{break-after:avoid}
figure,tr,.verdict,.numbers,li{break-inside:avoid}
figure{margin:.8rem 0 1.1rem}
h2{margin-top:1.5rem}
.scroll{overflow:visible}
table{font-size:8.5pt;min-width:0}
.keep,.right{white-space:normal}
th,td{padding-right:.5rem}
figure details{display:none}
summary{list-style:none;color:var(--ink);font-weight:650;font-size:10pt}
details::details-content{content-visibility:visible;display:block;height:auto}
.verdict,.numbers div,pre,code{-webkit-print-color-adjust:exact;print-color-adjust:exact}
figure svg{-webkit-print-color-adjust:exact;print-color-adjust:exact}
a{color:inherit;text-decoration:none}
";

/// The whole style sheet.
pub fn sheet() -> String {
    let mut css = String::with_capacity(9000);
    let _ = write!(css, ":root{{{}}}", variables(|color| color));
    css.push_str(RULES);
    let _ = write!(
        css,
        "@media screen and (prefers-color-scheme:dark){{\n:root{{{}}}\n",
        variables(dark)
    );
    for (light, dark) in DARK {
        let (light, dark) = (light.hex(), dark.hex());
        let _ = writeln!(
            css,
            "svg [fill=\"{light}\"]{{fill:{dark}}}svg [stroke=\"{light}\"]{{stroke:{dark}}}"
        );
    }
    let _ = write!(css, "}}\n@media print{{{PRINT}}}\n");
    css
}

/// Blue that text can be written in, and vermilion: darker than in plots, where the areas are larger.
pub const GOOD_TEXT: Color = Color(0x00, 0x5F, 0x99);
/// See [`GOOD_TEXT`].
pub const BAD_TEXT: Color = Color(0xA8, 0x46, 0x00);
/// Behind what stands out.
pub const BOX: Color = Color(0xF4, 0xF5, 0xF7);
/// The same on a dark page.
pub const DARK_BOX: Color = Color(0x21, 0x24, 0x2A);

fn dark(color: Color) -> Color {
    match color {
        GOOD_TEXT => dark(palette::GOOD),
        BAD_TEXT => dark(palette::BAD),
        BOX => DARK_BOX,
        other => DARK
            .iter()
            .find(|(light, _)| *light == other)
            .map_or(other, |(_, dark)| *dark),
    }
}

fn variables(on: impl Fn(Color) -> Color) -> String {
    let mut text = String::new();
    for (name, color) in [
        ("paper", palette::PAPER),
        ("ink", palette::INK),
        ("faint", palette::FAINT),
        ("axis", palette::AXIS),
        ("rule", palette::GRID),
        ("box", BOX),
        ("good", palette::GOOD),
        ("bad", palette::BAD),
        ("goodtext", GOOD_TEXT),
        ("badtext", BAD_TEXT),
        ("link", GOOD_TEXT),
    ] {
        let _ = write!(text, "--{name}:{};", on(color).hex());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: words that cannot be read on the paper or the box they stand on, by day or by night.
    #[test]
    fn all_text_has_four_and_a_half_to_one() {
        for text in [palette::INK, palette::FAINT, GOOD_TEXT, BAD_TEXT] {
            for (ink, papers) in [
                (text, [palette::PAPER, BOX]),
                (dark(text), [palette::DARK_PAPER, DARK_BOX]),
            ] {
                for paper in papers {
                    assert!(
                        ink.contrast(paper) >= 4.5,
                        "{} on {}: {}",
                        ink.hex(),
                        paper.hex(),
                        ink.contrast(paper)
                    );
                }
            }
        }
    }
}
