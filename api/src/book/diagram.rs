//! A lifecycle, drawn: each status is a line downwards, and each move an arrow from one line to another.

use std::fmt::Write;

/// How far the lines are apart.
const ACROSS: usize = 150;
/// How far the arrows are apart.
const DOWN: usize = 42;

/// Draws what Mermaid's text (`stateDiagram-v2`) says. The drawing has no colours of its own: the pages' style has them.
pub(super) fn drawn(text: &str) -> String {
    let moves: Vec<_> = text.lines().filter_map(read).collect();
    let mut columns = vec!["[*]"];
    // What comes first in a life stands first: the moves begin with what is open.
    let inner = moves.iter().filter(|it| it.0 != "[*]" && it.1 != "[*]").flat_map(|it| [it.0, it.1]);
    for it in inner.chain(moves.iter().flat_map(|it| [it.0, it.1])) {
        if !columns.contains(&it) {
            columns.push(it);
        }
    }
    let arrows: Vec<_> = moves.iter().filter(|it| it.1 != "[*]").collect();
    let (width, height) = (columns.len() * ACROSS, 70 + arrows.len() * DOWN);
    let mut svg = format!(
        "<div class=\"frame\" tabindex=\"0\" role=\"group\" aria-label=\"A drawing\">\
         <svg class=\"life\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"life-title life-about\">\
         <title id=\"life-title\">The moves between the statuses</title><desc id=\"life-about\">{}</desc>\
         <defs><marker id=\"life-tip\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto-start-reverse\">\
         <path class=\"tip\" d=\"M0 0 10 5 0 10z\"/></marker></defs>",
        told(&moves)
    );
    let at = |status: &str| columns.iter().position(|it| *it == status).unwrap_or(0) * ACROSS + ACROSS / 2;
    for status in &columns {
        let ends = moves.contains(&(*status, "[*]", ""));
        let _ = write!(svg, "{}", column(status, at(status), height, ends));
    }
    for (place, (from, to, by)) in arrows.into_iter().enumerate() {
        let (y, from, to) = (90 + place * DOWN, at(from), at(to));
        let path =
            if from == to { format!("M{from} {y}h40v14H{}", to + 5) } else { format!("M{from} {y}H{to}") };
        let middle = usize::midpoint(from, to);
        let _ = write!(
            svg,
            "<path class=\"move\" d=\"{path}\" marker-end=\"url(#life-tip)\"/><circle class=\"tip\" cx=\"{from}\" cy=\"{y}\" r=\"4\"/>\
             <text x=\"{middle}\" y=\"{}\">{by}</text>",
            y - 8
        );
    }
    svg + "</svg></div>\n"
}

/// A status: its name in a box, two where its life ends there, and the line below.
fn column(status: &str, x: usize, height: usize, ends: bool) -> String {
    let name = if status == "[*]" { "received" } else { status };
    let class = if status == "[*]" { "status start" } else { "status" };
    let outer = if ends {
        format!("<rect class=\"end\" x=\"{}\" y=\"4\" width=\"128\" height=\"44\" rx=\"12\"/>", x - 64)
    } else {
        String::new()
    };
    format!(
        "<path class=\"line\" d=\"M{x} 48V{height}\"/>{outer}<rect class=\"{class}\" x=\"{}\" y=\"8\" width=\"120\" height=\"36\" rx=\"9\"/>\
         <text class=\"name\" x=\"{x}\" y=\"31\">{name}</text>",
        x - 60
    )
}

/// `PEND --> DENIED: deny`, in three parts.
fn read(line: &str) -> Option<(&str, &str, &str)> {
    let (from, rest) = line.trim().split_once(" --> ")?;
    let (to, by) = rest.split_once(": ").unwrap_or((rest, ""));
    Some((from, to, by))
}

/// The same in words.
fn told(moves: &[(&str, &str, &str)]) -> String {
    let one = |(from, to, by): &(&str, &str, &str)| match (*from, *to) {
        ("[*]", to) => format!("At receipt {by} makes it {to}."),
        (from, "[*]") => format!("{from} is an end."),
        (from, to) => format!("From {from} to {to}: {by}."),
    };
    moves.iter().map(one).collect::<Vec<_>>().join(" ")
}
