//! Every form's sounds in one tree: forms that begin alike are compared with what was heard together, and all that
//! begin too differently are passed over at once.

use super::form::{Form, Limits};
use super::sound::{COSTS, Phone};
use super::text::SOUNDS_MAX;
use crate::domain::Kind;

/// One sound more than its parent; the nodes stand in depth-first order.
#[derive(Debug, Clone, Copy)]
struct Node {
    phone: Phone,
    /// How many sounds lead here, this one included.
    depth: usize,
    /// The most sounds of a form that begins so.
    longest: usize,
    /// The kinds of the forms that begin so, a bit each.
    kinds: u16,
    /// The first node that does not begin so.
    next: usize,
    /// The forms that are exactly this, as a range of [`Index::forms`].
    forms: (usize, usize),
}

/// The tree.
#[derive(Debug, Default)]
pub(super) struct Index {
    nodes: Vec<Node>,
    /// Places of forms, in the order of their sounds.
    forms: Vec<usize>,
}

/// Where what was heard may end, and how much a form may differ from it then.
pub(super) struct End {
    /// How many of the heard sounds count.
    pub(super) sounds: usize,
    pub(super) limits: Limits,
}

impl Index {
    pub(super) fn new(forms: &[Form]) -> Self {
        let phones = |at: usize| forms.get(at).map_or(&[][..], |form| form.sounding.phones.as_slice());
        let mut order: Vec<usize> = (0..forms.len()).filter(|at| !phones(*at).is_empty()).collect();
        order.sort_by_key(|at| phones(*at));
        let mut nodes: Vec<Node> = Vec::new();
        // The nodes from the top to the last form's.
        let mut open: Vec<usize> = Vec::new();
        let mut before: &[Phone] = &[];
        for (place, at) in order.iter().enumerate() {
            let sounds = phones(*at);
            let shared = sounds.iter().zip(before).take_while(|(one, other)| one == other).count();
            close(&mut nodes, &mut open, shared);
            for (depth, phone) in sounds.iter().enumerate().skip(shared) {
                open.push(nodes.len());
                let (depth, forms) = (depth + 1, (place, place));
                nodes.push(Node { phone: *phone, depth, longest: 0, kinds: 0, next: 0, forms });
            }
            let kinds = forms.get(*at).map_or(0, |form| bit(form.kind));
            for on_the_way in &open {
                if let Some(node) = nodes.get_mut(*on_the_way) {
                    node.longest = node.longest.max(sounds.len());
                    node.kinds |= kinds;
                }
            }
            if let Some(node) = open.last().and_then(|last| nodes.get_mut(*last)) {
                node.forms.1 = place + 1;
            }
            before = sounds;
        }
        close(&mut nodes, &mut open, 0);
        Self { nodes, forms: order }
    }

    /// Calls `near` with each form of a kind (every kind, when none is given) that is within an end's limits, with the
    /// place of the end and what it costs to hear the sounds up to there for the form.
    pub(super) fn near(
        &self,
        heard: &[Phone],
        ends: &[End],
        kind: Option<Kind>,
        mut near: impl FnMut(usize, usize, u16),
    ) {
        let kinds = kind.map_or(u16::MAX, bit);
        let added = COSTS.added_at_least(heard);
        let most = ends.iter().map(|end| end.limits.of(SOUNDS_MAX)).max().unwrap_or(0);
        // So many more sounds than were said are heard at most.
        let more = added.iter().take_while(|cost| **cost <= most).count();
        let mut rows = [[u16::MAX; SOUNDS_MAX + 1]; SOUNDS_MAX + 1];
        if let Some(first) = rows.first_mut() {
            COSTS.first_row(heard, first);
        }
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            let Some([before, row]) = rows.get_mut(node.depth - 1..=node.depth) else { return };
            if node.kinds & kinds != 0 {
                let width = heard.len().min(node.depth + more);
                COSTS.next_row(node.phone, heard.get(..width).unwrap_or(heard), before, row);
            }
            if node.kinds & kinds == 0 || !within(row, ends, node, &added) {
                at = node.next;
                continue;
            }
            for form in self.forms.get(node.forms.0..node.forms.1).unwrap_or_default() {
                for (place, end) in ends.iter().enumerate() {
                    let cost = row.get(end.sounds).copied().unwrap_or(u16::MAX);
                    if end.sounds > 0 && cost <= end.limits.of(node.depth) {
                        near(*form, place, cost);
                    }
                }
            }
            at += 1;
        }
    }
}

/// Whether some form that begins so may still be within the limits of some end. Costs never fall from row to row, and
/// what is heard beyond the longest form was `added`.
fn within(row: &[u16], ends: &[End], node: &Node, added: &[u16]) -> bool {
    let to_come = node.longest - node.depth;
    ends.iter().any(|end| {
        let most = end.limits.of(node.longest);
        let cells = row.iter().enumerate().take(end.sounds + 1);
        cells.filter(|(_, cell)| **cell <= most).any(|(at, cell)| {
            let beyond = (end.sounds - at).saturating_sub(to_come);
            cell.saturating_add(added.get(beyond).copied().unwrap_or(u16::MAX)) <= most
        })
    })
}

/// Ends the nodes below a depth.
fn close(nodes: &mut [Node], open: &mut Vec<usize>, depth: usize) {
    let next = nodes.len();
    for at in open.drain(depth.min(open.len())..) {
        if let Some(node) = nodes.get_mut(at) {
            node.next = next;
        }
    }
}

fn bit(kind: Kind) -> u16 {
    1 << (kind as u16)
}
