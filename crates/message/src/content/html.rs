//! HTML to what a reader sees of it.
//!
//! Elements are opened and closed as browsers do it where mail is sloppy; the rest of their
//! rules for broken documents does not change what is hidden. A text that cannot be told for
//! certain to be hidden is visible.

use super::css;
use super::elements::{is_block, is_hidden, is_void};
use super::found::{Link, Text, TextKind};
use super::problem::Problem;
use super::style::{Paint, Sheets, Size, Style, paint};
use super::tag::{Piece, Pieces, Tag, unreferenced};

/// Elements within each other; browsers stop at about as many.
const OPEN_MAX: usize = 512;

/// A font smaller than this cannot be read, in pixels.
const READABLE: f32 = 2.0;

/// Channels of two colours that differ by no more are one colour.
const ALIKE: u8 = 16;

/// Elements and rules of style sheets that are looked at for the elements of one message, beyond
/// one each: half a second. Without a bound, few octets of many rules would cost minutes.
pub(super) const WORK_MAX: usize = 50_000_000;

/// `work`: steps that are left of [`WORK_MAX`].
pub(super) fn read(
    html: &str,
    media: String,
    problems: &mut Vec<Problem>,
    work: &mut usize,
) -> Text {
    let mut sheets = Sheets::default();
    let mut generated = String::new();
    for piece in Pieces::of(html) {
        if let Piece::Raw(name, css) = piece
            && name.eq_ignore_ascii_case("style")
        {
            sheets.add(css);
            css::generated(css, &mut generated);
        }
    }
    let mut page = Page { sheets, work: *work, ..Page::default() };
    page.read(html);
    page.close_link();
    if !generated.is_empty() {
        page.hidden = true;
        page.whole.end_line();
        page.whole.push(&generated);
    }
    if !page.aside.text.trim_ascii().is_empty() {
        page.hidden = true;
        page.whole.end_line();
        page.whole.text.push_str(&page.aside.text);
    }
    *work = page.work;
    if page.too_deep {
        problems.push(Problem::HtmlTooDeep);
    }
    let Page { visible, whole, links, hidden, .. } = page;
    let whole = hidden.then_some(whole.text);
    Text { kind: TextKind::Html, media, visible: visible.text, whole, links }
}

#[derive(Default)]
struct Page {
    sheets: Sheets,
    open: Vec<Open>,
    visible: Flow,
    whole: Flow,
    /// Raw texts, to stand behind the whole.
    aside: Flow,
    links: Vec<Link>,
    /// Where the link that is open began, and its target.
    link: Option<(usize, String)>,
    /// Something was not visible.
    hidden: bool,
    too_deep: bool,
    /// Steps that are left.
    work: usize,
    /// Within the comment of an Outlook condition.
    conditional: bool,
}

/// An element that is not closed yet.
struct Open {
    name: String,
    look: Look,
}

/// What of the looks of an element is that of those within it.
#[derive(Clone, Copy)]
struct Look {
    /// Nothing within can be seen.
    gone: bool,
    /// It takes no place either: no line ends for it.
    none: bool,
    /// As `visibility`, which an element within can undo.
    invisible: bool,
    font: f32,
    color: Paint,
    /// What is painted in place of the colour.
    fill: Option<Paint>,
    background: Paint,
}

impl Default for Look {
    fn default() -> Self {
        let (color, background) = (Paint::Plain([0; 3]), Paint::Plain([255; 3]));
        Self {
            gone: false,
            none: false,
            invisible: false,
            font: 16.0,
            color,
            fill: None,
            background,
        }
    }
}

impl Look {
    fn shows(&self) -> bool {
        let alike = match (self.fill.unwrap_or(self.color), self.background) {
            (Paint::Clear, _) => true,
            (Paint::Plain(text), Paint::Plain(behind)) => {
                text.iter().zip(behind).all(|(a, b)| a.abs_diff(b) <= ALIKE)
            }
            _ => false,
        };
        !self.gone && !self.invisible && self.font >= READABLE && !alike
    }

    fn with(mut self, style: Style) -> Self {
        let is = |said: Option<bool>| said.unwrap_or_default();
        self.none |= is(style.none);
        self.gone |= self.none
            || is(style.transparent)
            || is(style.away)
            || is(style.outlook)
            || is(style.no_room) && is(style.cut_off);
        self.invisible = style.invisible.unwrap_or(self.invisible);
        match style.font {
            Some(Size::Pixels(size)) => self.font = size,
            Some(Size::Times(times)) => self.font *= times,
            None => {}
        }
        self.color = style.color.unwrap_or(self.color);
        self.fill = style.fill.or(self.fill);
        match style.background {
            None | Some(Paint::Clear) => {}
            Some(other) => self.background = other,
        }
        self
    }
}

/// Text with its white space made one, and lines where blocks end.
#[derive(Default)]
struct Flow {
    text: String,
    /// White space has come that is not written yet.
    space: bool,
}

impl Flow {
    fn push(&mut self, text: &str) {
        for (at, word) in text.split([' ', '\t', '\r', '\n', '\u{c}']).enumerate() {
            self.space |= at > 0;
            if word.is_empty() {
                continue;
            }
            if self.space && !self.text.is_empty() && !self.text.ends_with('\n') {
                self.text.push(' ');
            }
            self.space = false;
            self.text.push_str(word);
        }
    }

    fn end_line(&mut self) {
        self.space = false;
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }
}

impl Page {
    fn read(&mut self, html: &str) {
        for piece in Pieces::of(html) {
            match piece {
                Piece::Text(text) => self.text(text),
                Piece::Raw(name, text) => self.raw(name, text),
                Piece::Start(tag) => self.start(&tag),
                Piece::End(name) => self.end(name),
                Piece::Comment(text) => self.comment(text),
            }
        }
    }

    fn look(&self) -> Look {
        self.open.last().map(|open| open.look).unwrap_or_default()
    }

    fn text(&mut self, text: &str) {
        let text = unreferenced(text);
        self.whole.push(&text);
        if self.look().shows() && !self.conditional {
            self.visible.push(&text);
        } else {
            self.hidden |= !text.trim_ascii().is_empty();
        }
    }

    /// What is text only in HTML is not within SVG and MathML, and a sheet may show itself.
    fn raw(&mut self, name: &str, text: &str) {
        if name.eq_ignore_ascii_case("xmp") {
            return self.text(text);
        }
        let code = ["script", "style"].iter().any(|raw| name.eq_ignore_ascii_case(raw));
        if !code {
            self.whole.push(&unreferenced(text));
            self.hidden |= !text.trim_ascii().is_empty();
        } else if !text.contains('<') {
            self.aside(text);
        }
        if text.contains('<') {
            for piece in Pieces::of(text) {
                if let Piece::Text(text) | Piece::Raw(_, text) = piece {
                    self.aside(text);
                }
            }
            self.aside.end_line();
        }
    }

    /// A text that is shown by few, and nowhere among the others.
    fn aside(&mut self, text: &str) {
        self.aside.push(&unreferenced(text));
    }

    /// Outlook reads what stands in comments with conditions; nobody else does.
    fn comment(&mut self, text: &str) {
        // Text, within SVG.
        if let Some(text) = text.strip_prefix("[CDATA[") {
            self.whole.push(text.strip_suffix("]]").unwrap_or(text));
            self.hidden = true;
            return;
        }
        let Some((condition, rest)) = text.split_once(']') else { return };
        let outlook = condition.trim_start().starts_with("[if") && !self.conditional;
        if let Some(inner) = rest.strip_prefix('>').filter(|_| outlook) {
            let inner = inner.rsplit_once("<![").map_or(inner, |(inner, _)| inner);
            let open = std::mem::take(&mut self.open);
            let link = self.link.take();
            self.conditional = true;
            self.read(inner);
            self.conditional = false;
            (self.open, self.link) = (open, link);
        }
    }

    /// Whether so many steps may be taken. When they may not, what is open stays so, and what
    /// sheets say does not count; that is told.
    fn may_take(&mut self, steps: usize) -> bool {
        let left = self.work.checked_sub(steps);
        self.too_deep |= left.is_none();
        self.work = left.unwrap_or_default();
        left.is_some()
    }

    fn start(&mut self, tag: &Tag<'_>) {
        let name = tag.name.to_ascii_lowercase();
        self.too_deep |= tag.too_long;
        self.close_implied(&name);
        let look = self.look().with(self.style(&name, tag));
        if is_block(&name) {
            self.end_line(&look);
        }
        match name.as_str() {
            "img" | "area" => {
                if let Some(alt) = tag.get("alt").filter(|_| !is_dot(tag)) {
                    self.push_within(&look, &alt);
                }
            }
            "input" => {
                let kind = tag.get("type").unwrap_or_default().to_ascii_lowercase();
                if matches!(kind.as_str(), "submit" | "button" | "reset")
                    && let Some(value) = tag.get("value")
                {
                    self.push_within(&look, &value);
                }
            }
            "a" if !self.conditional => {
                self.close_link();
                if let Some(target) = tag.get("href") {
                    // What stands before it, and a space, is not the link.
                    if self.visible.space && !self.visible.text.is_empty() {
                        self.visible.text.push(' ');
                        self.visible.space = false;
                    }
                    self.link = Some((self.visible.text.len(), target.trim().to_owned()));
                }
            }
            _ => {}
        }
        if (name == "area" || name == "a" && self.conditional)
            && let Some(target) = tag.get("href")
        {
            let end = self.visible.text.len();
            self.links.push(Link { target: target.trim().to_owned(), place: end..end });
        }
        if is_void(&name) {
            return;
        }
        if self.open.len() >= OPEN_MAX {
            self.too_deep = true;
            return;
        }
        self.open.push(Open { name, look });
    }

    /// Text that is an attribute.
    fn push_within(&mut self, look: &Look, text: &str) {
        self.whole.push(text);
        if look.shows() && !self.conditional {
            self.visible.push(text);
        } else {
            self.hidden |= !text.trim_ascii().is_empty();
        }
    }

    fn style(&mut self, name: &str, tag: &Tag<'_>) -> Style {
        let id = tag.get("id").unwrap_or_default();
        let classes = tag.get("class").unwrap_or_default();
        let mut style = Style::default();
        if is_hidden(name) || tag.get("hidden").is_some() {
            style.none = Some(true);
        }
        if let Some(color) = tag.get("bgcolor") {
            style.background = Some(paint(color.trim().to_ascii_lowercase().as_str()));
        }
        if tag.get("background").is_some() {
            style.background = Some(Paint::Unknown);
        }
        let color = match name {
            "font" => tag.get("color"),
            "body" => tag.get("text"),
            _ => None,
        };
        if let Some(color) = color {
            style.color = Some(paint(color.trim().to_ascii_lowercase().as_str()));
        }
        // A link has the colour of links.
        if name == "a" {
            style.color = Some(Paint::Plain([0, 0, 238]));
        }
        self.too_deep |= self.sheets.are_too_many(&classes);
        let steps = self.sheets.steps(name, &id, &classes);
        let (plain, important) = if self.may_take(steps) {
            self.sheets.style(name, &id, &classes)
        } else {
            Default::default()
        };
        style.and(plain);
        let own = tag.get("style").map(|own| Style::read(&own)).unwrap_or_default();
        style.and(own.0);
        style.and(important);
        style.and(own.1);
        style
    }

    fn end(&mut self, name: &str) {
        let name = name.to_ascii_lowercase();
        if name == "a" && !self.conditional {
            self.close_link();
        }
        let Some(at) = self.innermost(&name) else {
            // The others do nothing where they end nothing.
            if matches!(name.as_str(), "br" | "p") {
                self.end_line(&self.look());
            }
            return;
        };
        if is_block(&name) {
            let look = self.open.get(at).map(|open| open.look).unwrap_or_default();
            self.end_line(&look);
        }
        {
            // What is not closed in a cell or a block ends with it; an element that only marks
            // text ends no block.
            let crossed = self.open.iter().skip(at + 1).any(|open| is_block(&open.name));
            if is_block(&name) || !crossed {
                self.open.truncate(at);
            } else {
                self.open.remove(at);
            }
        }
    }

    fn innermost(&mut self, name: &str) -> Option<usize> {
        let found = self.open.iter().rposition(|open| open.name == name);
        let steps = self.open.len() - found.unwrap_or_default();
        self.may_take(steps).then_some(found).flatten()
    }

    /// Elements that end where another begins.
    fn close_implied(&mut self, name: &str) {
        let closes: (&[&str], &[&str]) = match name {
            "li" => (&["li"], &["ul", "ol"]),
            "dt" | "dd" => (&["dt", "dd"], &["dl"]),
            "option" => (&["option"], &["select"]),
            "td" | "th" => (&["td", "th"], &["tr", "table"]),
            "tr" => (&["tr", "td", "th"], &["table"]),
            "tbody" | "thead" | "tfoot" => {
                (&["tr", "td", "th", "tbody", "thead", "tfoot"], &["table"])
            }
            "body" => (&["head"], &["body"]),
            name if is_block(name) => (&["p"], &["td", "th", "table", "button"]),
            _ => return,
        };
        let (names, borders) = closes;
        let mut found = None;
        for (at, open) in self.open.iter().enumerate().rev() {
            let Some(left) = self.work.checked_sub(1) else {
                self.too_deep = true;
                return;
            };
            self.work = left;
            let open = open.name.as_str();
            if borders.contains(&open) {
                break;
            }
            if names.contains(&open) {
                found = Some(at);
            }
        }
        if let Some(at) = found {
            self.open.truncate(at);
        }
    }

    fn end_line(&mut self, look: &Look) {
        if !look.none && !self.conditional {
            self.visible.end_line();
        }
        self.whole.end_line();
    }

    fn close_link(&mut self) {
        if let Some((start, target)) = self.link.take() {
            let end = self.visible.text.trim_end().len().max(start);
            self.links.push(Link { target, place: start..end });
        }
    }
}

/// A picture that is a dot, to count readers or to keep a distance.
fn is_dot(tag: &Tag<'_>) -> bool {
    ["width", "height"].iter().any(|name| {
        tag.get(name).is_some_and(|said| matches!(said.trim().trim_end_matches("px"), "0" | "1"))
    })
}
