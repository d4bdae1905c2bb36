//! As much of CSS as tells what can be seen: `display`, `visibility`, sizes, opacity, places
//! outside the page, and a text in the colour of its background.
//!
//! Style sheets count with simple selectors (`p`, `.small`, `td.note`, `#footer`, `*`), which
//! is what mail programs support everywhere. Rules within `@media` depend on the screen and do
//! not count, nor do selectors about elements within others.

use std::collections::HashMap;

use super::{colours, css};

/// What declarations say, as far as they say it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Style {
    /// `display: none`, and other values.
    pub(super) none: Option<bool>,
    /// `visibility: hidden`, and other values.
    pub(super) invisible: Option<bool>,
    pub(super) font: Option<Size>,
    /// A number no larger than 0.05.
    pub(super) transparent: Option<bool>,
    /// A height or width of nothing.
    pub(super) no_room: Option<bool>,
    /// What is larger than its room is cut off.
    pub(super) cut_off: Option<bool>,
    /// Moved far off the page.
    pub(super) away: Option<bool>,
    /// `mso-hide: all`: not shown by Outlook.
    pub(super) outlook: Option<bool>,
    pub(super) color: Option<Paint>,
    /// `-webkit-text-fill-color`, which beats the colour.
    pub(super) fill: Option<Paint>,
    pub(super) background: Option<Paint>,
}

/// A font size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Size {
    /// In pixels.
    Pixels(f32),
    /// Times that of the element around it.
    Times(f32),
}

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Plain([u8; 3]),
    /// As what is behind it.
    Clear,
    /// A picture, or a colour that is not known here.
    Unknown,
}

impl Style {
    /// Puts `other` over it.
    pub(super) fn and(&mut self, other: Self) {
        self.none = other.none.or(self.none);
        self.invisible = other.invisible.or(self.invisible);
        self.font = other.font.or(self.font);
        self.transparent = other.transparent.or(self.transparent);
        self.no_room = other.no_room.or(self.no_room);
        self.cut_off = other.cut_off.or(self.cut_off);
        self.away = other.away.or(self.away);
        self.outlook = other.outlook.or(self.outlook);
        self.color = other.color.or(self.color);
        self.fill = other.fill.or(self.fill);
        self.background = other.background.or(self.background);
    }

    /// The declarations of a `style` attribute: those that are said to be important apart.
    pub(super) fn read(declarations: &str) -> (Self, Self) {
        let (mut plain, mut important) = (Self::default(), Self::default());
        for declaration in css::bare(declarations).split(';') {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let name = name.trim().to_ascii_lowercase();
            let value = value.trim().to_ascii_lowercase();
            match value.split_once('!') {
                Some((value, mark)) if mark.trim() == "important" => {
                    important.declare(&name, value.trim());
                }
                _ => plain.declare(&name, &value),
            }
        }
        (plain, important)
    }

    fn declare(&mut self, name: &str, value: &str) {
        match name {
            // A value that is none is passed over: what was said before stands.
            "display" if is_display(value) => self.none = Some(value == "none"),
            "visibility" if value == "visible" || is_global(value) => self.invisible = Some(false),
            "visibility" if matches!(value, "hidden" | "collapse") => self.invisible = Some(true),
            "font-size" => self.font = size(value).or(self.font),
            "font" => self.font = value.split_ascii_whitespace().find_map(in_font).or(self.font),
            "opacity" => {
                self.transparent = number(value).map(|(n, _)| n <= 0.05).or(self.transparent);
            }
            "height" | "max-height" | "width" | "max-width" => {
                let nothing = number(value).is_some_and(|(n, _)| n <= 0.0);
                self.no_room = Some(self.no_room.unwrap_or_default() || nothing);
            }
            "overflow" | "overflow-x" | "overflow-y" if is_overflow(value) => {
                self.cut_off = Some(matches!(value, "hidden" | "clip"));
            }
            "text-indent" | "left" | "top" | "right" | "margin-left" | "margin-top"
                if number(value).is_some_and(|(n, _)| n <= -500.0) =>
            {
                self.away = Some(true);
            }
            "mso-hide" => self.outlook = Some(value == "all"),
            "color" => self.color = valid_paint(value).or(self.color),
            "-webkit-text-fill-color" => self.fill = valid_paint(value).or(self.fill),
            "background-color" => self.background = valid_paint(value).or(self.background),
            "background" | "background-image" => {
                let picture = value.contains("url(") || value.contains("gradient(");
                self.background = match (picture, name) {
                    (true, _) => Some(Paint::Unknown),
                    (false, "background") => value.split_ascii_whitespace().next().map(paint),
                    (false, _) => self.background,
                };
            }
            _ => {}
        }
    }
}

/// Values of every property.
fn is_global(value: &str) -> bool {
    matches!(value, "initial" | "inherit" | "unset" | "revert" | "revert-layer")
}

fn is_overflow(value: &str) -> bool {
    let known =
        |word| matches!(word, "visible" | "hidden" | "clip" | "scroll" | "auto" | "overlay");
    is_global(value) || !value.is_empty() && value.split_ascii_whitespace().all(known)
}

/// Values that browsers take for `display` (CSS Display 3, and those with their own prefix).
fn is_display(value: &str) -> bool {
    let known = |word: &str| {
        let word = ["-webkit-", "-moz-", "-ms-"]
            .iter()
            .find_map(|own| word.strip_prefix(own))
            .unwrap_or(word);
        let outer = word.strip_prefix("inline-").unwrap_or(word);
        matches!(
            outer,
            "none"
                | "block"
                | "inline"
                | "contents"
                | "flex"
                | "flexbox"
                | "grid"
                | "box"
                | "table"
                | "list-item"
                | "run-in"
                | "flow"
                | "flow-root"
                | "ruby"
                | "ruby-base"
                | "ruby-text"
                | "math"
                | "table-row"
                | "table-cell"
                | "table-row-group"
                | "table-header-group"
                | "table-footer-group"
                | "table-column"
                | "table-column-group"
                | "table-caption"
        )
    };
    is_global(value) || !value.is_empty() && value.split_ascii_whitespace().all(known)
}

/// A number and its unit.
fn number(value: &str) -> Option<(f32, &str)> {
    // What is reckoned of nothing is nothing; the rest is not reckoned.
    let reckoned = ["calc(", "max(", "min(", "clamp("];
    if let Some(inner) = reckoned.iter().find_map(|name| value.strip_prefix(name)) {
        let words = inner.split(|c: char| c.is_ascii_whitespace() || "(),*+/".contains(c));
        let mut words = words.filter(|word| !word.is_empty() && *word != "-").peekable();
        words.peek()?;
        let nothing = words.all(|word| {
            reckoned.iter().any(|name| name.strip_suffix('(') == Some(word))
                || number(word).is_some_and(|(n, _)| n == 0.0)
        });
        return nothing.then_some((0.0, ""));
    }
    let signed = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
    let end = value.find(|c| !signed(c)).unwrap_or(value.len());
    let (digits, unit) = value.split_at(end);
    let unit = unit.split_ascii_whitespace().next().unwrap_or_default();
    digits.parse().ok().filter(|n: &f32| n.is_finite()).map(|n| (n, unit))
}

fn size(value: &str) -> Option<Size> {
    let (n, unit) = number(value)?;
    Some(match unit {
        "em" => Size::Times(n),
        "%" => Size::Times(n / 100.0),
        "ex" | "ch" => Size::Times(n / 2.0),
        "pt" => Size::Pixels(n * 4.0 / 3.0),
        "rem" | "pc" => Size::Pixels(n * 16.0),
        "in" => Size::Pixels(n * 96.0),
        "cm" => Size::Pixels(n * 37.8),
        "mm" => Size::Pixels(n * 3.78),
        _ => Size::Pixels(n),
    })
}

/// The size in `font: italic 12px/1.5 Arial`.
fn in_font(word: &str) -> Option<Size> {
    let word = word.split('/').next().unwrap_or_default();
    let (n, unit) = number(word)?;
    // A bare number is a weight, but for none at all.
    if unit.is_empty() && n > 0.0 { None } else { size(word) }
}

/// A colour, unless browsers would pass it over.
fn valid_paint(value: &str) -> Option<Paint> {
    let own = |value: &str| {
        is_global(value)
            || value == "currentcolor"
            || value.contains(|c: char| !c.is_ascii_alphabetic())
            // System colours differ from one system to the other.
            || ["text", "face", "border", "item"].iter().any(|end| value.ends_with(end))
            || ["highlight", "mark"].contains(&value)
    };
    let paint = paint(value);
    (paint != Paint::Unknown || own(value)).then_some(paint)
}

/// `#rgb`, `#rrggbb`, `rgb(…)`, `rgba(…)`, and the names that are used in mail.
pub(super) fn paint(value: &str) -> Paint {
    if let Some(digits) = value.strip_prefix('#') {
        return hexadecimal(digits).unwrap_or(Paint::Unknown);
    }
    if let Some(inner) = value.strip_prefix("rgba(").or(value.strip_prefix("rgb(")) {
        let words = inner.trim_end_matches(')').split([',', ' ', '/']);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let part = |at: usize| words.get(at).and_then(|word| word.parse::<u8>().ok());
        let clear = words.get(3).and_then(|word| number(word)).is_some_and(|(n, _)| n <= 0.05);
        return match (clear, part(0), part(1), part(2)) {
            (true, ..) => Paint::Clear,
            (false, Some(r), Some(g), Some(b)) => Paint::Plain([r, g, b]),
            _ => Paint::Unknown,
        };
    }
    match value {
        "transparent" | "none" => Paint::Clear,
        name => colours::named(name).map_or(Paint::Unknown, |colour| {
            let [_, red, green, blue] = colour.to_be_bytes();
            Paint::Plain([red, green, blue])
        }),
    }
}

fn hexadecimal(digits: &str) -> Option<Paint> {
    let digit = |c: char| c.to_digit(16).and_then(|n| u8::try_from(n).ok());
    let digits: Vec<u8> = digits.chars().map(digit).collect::<Option<_>>()?;
    Some(match digits.as_slice() {
        [.., 0] if digits.len() == 4 => Paint::Clear,
        [.., 0, 0] if digits.len() == 8 => Paint::Clear,
        [r, g, b] | [r, g, b, _] => Paint::Plain([r * 17, g * 17, b * 17]),
        [r, s, g, h, b, c] | [r, s, g, h, b, c, ..] => {
            Paint::Plain([r * 16 + s, g * 16 + h, b * 16 + c])
        }
        _ => return None,
    })
}

/// Classes of one element that are looked at.
const CLASSES_MAX: usize = 32;

/// Rules of one message that are kept, those that hide or paint something.
const RULES_MAX: usize = 4_000;

/// The style sheets of a document.
#[derive(Debug, Default)]
pub(super) struct Sheets {
    /// By the last word of the selector that is rarest: `#id`, `.class`, or an element.
    rules: HashMap<String, Vec<Rule>>,
    count: usize,
}

#[derive(Debug)]
struct Rule {
    element: Option<String>,
    id: Option<String>,
    classes: Vec<String>,
    plain: Style,
    important: Style,
}

impl Sheets {
    /// Adds the text of a `<style>`.
    pub(super) fn add(&mut self, css: &str) {
        // Mail still hides sheets from the browsers of the nineties.
        let css = css::bare(css).replace("<!--", " ").replace("-->", " ");
        let mut rest = css.as_str();
        while let Some(open) = rest.find(['{', ';']) {
            let (selectors, behind) = rest.split_at(open);
            let selectors = selectors.trim();
            if behind.starts_with(';') {
                // `@import url(…);`
                rest = behind.get(1..).unwrap_or_default();
                continue;
            }
            let inner = behind.get(1..).unwrap_or_default();
            let end = block_end(inner);
            if !selectors.starts_with('@') {
                self.rule(selectors, inner.get(..end).unwrap_or_default());
            }
            rest = inner.get(end + 1..).unwrap_or_default();
        }
    }

    fn rule(&mut self, selectors: &str, declarations: &str) {
        let (plain, important) = Style::read(declarations);
        if (plain, important) == (Style::default(), Style::default()) {
            return;
        }
        for selector in selectors.split(',') {
            let Some((key, rule)) = compound(selector.trim(), plain, important) else { continue };
            self.count += 1;
            if self.count <= RULES_MAX {
                self.rules.entry(key).or_default().push(rule);
            }
        }
    }

    /// There are more rules, or more classes of an element, than are looked at.
    pub(super) fn are_too_many(&self, classes: &str) -> bool {
        let many = |classes: &str| classes.split_ascii_whitespace().nth(CLASSES_MAX).is_some();
        self.count > RULES_MAX || !self.rules.is_empty() && many(classes)
    }

    /// How many rules are looked at for such an element.
    pub(super) fn steps(&self, element: &str, id: &str, classes: &str) -> usize {
        if self.rules.is_empty() {
            return 0;
        }
        let of = |key: &str| self.rules.get(key).map_or(0, Vec::len);
        let own = classes.split_ascii_whitespace().take(CLASSES_MAX);
        let by_class: usize = own.map(|class| of(&format!(".{class}"))).sum();
        of("*") + of(element) + by_class + of(&format!("#{id}"))
    }

    /// What they say of an element, the important ones apart.
    pub(super) fn style(&self, element: &str, id: &str, classes: &str) -> (Style, Style) {
        let (mut plain, mut important) = (Style::default(), Style::default());
        if self.rules.is_empty() {
            return (plain, important);
        }
        let own: Vec<&str> = classes.split_ascii_whitespace().take(CLASSES_MAX).collect();
        let mut take = |key: &str| {
            for rule in self.rules.get(key).into_iter().flatten() {
                let fits = rule.element.as_deref().is_none_or(|name| name == element)
                    && rule.id.as_deref().is_none_or(|name| name == id)
                    && rule.classes.iter().all(|class| own.contains(&class.as_str()));
                if fits {
                    plain.and(rule.plain);
                    important.and(rule.important);
                }
            }
        };
        take("*");
        take(element);
        for class in &own {
            take(&format!(".{class}"));
        }
        take(&format!("#{id}"));
        (plain, important)
    }
}

/// One simple selector with what it is found by.
fn compound(selector: &str, plain: Style, important: Style) -> Option<(String, Rule)> {
    let ordinary = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    if !selector.chars().all(|c| ordinary(c) || matches!(c, '.' | '#' | '*')) {
        return None;
    }
    let end = selector.find(['.', '#']).unwrap_or(selector.len());
    let (name, mut rest) = selector.split_at(end);
    let element = Some(name.to_ascii_lowercase()).filter(|n| !n.is_empty() && n != "*");
    let mut rule = Rule { element, id: None, classes: Vec::new(), plain, important };
    while let Some(mark) = rest.chars().next() {
        let word = rest.get(1..).unwrap_or_default();
        let end = word.find(['.', '#']).unwrap_or(word.len());
        let (word, more) = word.split_at(end);
        match mark {
            '.' => rule.classes.push(word.to_owned()),
            _ => rule.id = Some(word.to_owned()),
        }
        rest = more;
    }
    let key = match (&rule.id, rule.classes.first(), &rule.element) {
        (Some(id), ..) => format!("#{id}"),
        (None, Some(class), _) => format!(".{class}"),
        (None, None, Some(element)) => element.clone(),
        (None, None, None) => "*".to_owned(),
    };
    Some((key, rule))
}

/// Where the block ends whose `{` was before it: blocks within it are skipped.
fn block_end(css: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in css.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    css.len()
}
