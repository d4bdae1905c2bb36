//! XML records to rows: which elements are records, and the values of their fields.
//!
//! Only the texts of the fields asked for are kept, and of one record at most [`VALUES_MAX`]
//! bytes; more makes it a bad row. Conditions on what is inside a record are known at its end, so
//! a record is counted and handed out there.

use std::ops::ControlFlow;

use crate::markup::{Element, Value, Visitor};
use crate::path::{FieldPath, RecordPath, Step, Test};
use crate::plan::Plan;
use crate::raw::Raw;
use crate::recognise::Clues;
use crate::report::Fault;
use crate::row::Assembler;

/// Bytes of all values of one record.
const VALUES_MAX: usize = 64 * 1024;

/// Where the fields of a record are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    pub(crate) email: Vec<FieldPath>,
    pub(crate) date: Vec<FieldPath>,
    pub(crate) reason: Vec<FieldPath>,
    pub(crate) kind: Vec<FieldPath>,
    pub(crate) scope: Vec<FieldPath>,
    pub(crate) until: Vec<FieldPath>,
}

/// What a value is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Email,
    Date,
    Reason,
    Kind,
    Scope,
    Until,
    /// The condition of that number.
    Condition(usize),
}

/// A field that is looked for.
struct Target {
    path: FieldPath,
    purpose: Use,
    /// How many of its elements are open, counted from the record inwards.
    open: usize,
}

/// An element whose text is a value.
struct Capture {
    target: usize,
    depth: usize,
    text: String,
}

/// The record that is open.
struct Current {
    line: u64,
    depth: usize,
    emails: Vec<String>,
    date: String,
    reason: String,
    kind: String,
    scope: String,
    until: String,
    holds: Vec<bool>,
    captures: Vec<Capture>,
    size: usize,
    fault: Option<Fault>,
}

/// Collects records.
pub(crate) struct Collector<'a, 'b> {
    record: &'a RecordPath,
    targets: Vec<Target>,
    plan: &'a Plan,
    assembler: &'a mut Assembler<'b>,
    depth: usize,
    /// How many steps of the record path are open.
    open: usize,
    current: Option<Current>,
    /// Whether any element was at the record path.
    found: bool,
    /// Names on the way to the innermost first element, for a hint.
    first: Vec<String>,
    went_up: bool,
}

impl<'a, 'b> Collector<'a, 'b> {
    pub(crate) fn new(
        record: &'a RecordPath,
        fields: &Fields,
        plan: &'a Plan,
        assembler: &'a mut Assembler<'b>,
    ) -> Self {
        let conditions = record.steps.last().into_iter().flat_map(|step| &step.conditions);
        let targets = [
            (&fields.email, Use::Email),
            (&fields.date, Use::Date),
            (&fields.reason, Use::Reason),
            (&fields.kind, Use::Kind),
            (&fields.scope, Use::Scope),
            (&fields.until, Use::Until),
        ];
        let targets = targets
            .into_iter()
            .flat_map(|(paths, purpose)| paths.iter().map(move |path| (path, purpose)))
            .chain(conditions.enumerate().map(|(at, c)| (&c.operand, Use::Condition(at))))
            .map(|(path, purpose)| Target { path: path.clone(), purpose, open: 0 })
            .collect();
        Self {
            record,
            targets,
            plan,
            assembler,
            depth: 0,
            open: 0,
            current: None,
            found: false,
            first: Vec::new(),
            went_up: false,
        }
    }

    /// What to tell when nothing was at the record path.
    pub(crate) fn hint(&self) -> Option<String> {
        if self.found || self.first.is_empty() {
            return None;
        }
        let (path, first) = (&self.record, self.first.join("/"));
        Some(format!("no element is at {path}; the first elements of the file are /{first}"))
    }

    fn last_step(&self) -> Option<&'a Step> {
        self.record.steps.last()
    }

    fn begin(&mut self, element: &Element<'_>, line: u64) -> Result<(), String> {
        self.found = true;
        let conditions = self.last_step().map_or(&[][..], |step| step.conditions.as_slice());
        // Until shown otherwise only "is not" holds.
        let holds = conditions.iter().map(|c| matches!(c.test, Test::NotEqual(_))).collect();
        self.current = Some(Current {
            line,
            depth: self.depth,
            emails: Vec::new(),
            date: String::new(),
            reason: String::new(),
            kind: String::new(),
            scope: String::new(),
            until: String::new(),
            holds,
            captures: Vec::new(),
            size: 0,
            fault: None,
        });
        for target in &mut self.targets {
            target.open = 0;
        }
        self.enter(element)
    }

    /// Notes which fields this element of the record is, or has among its attributes.
    fn enter(&mut self, element: &Element<'_>) -> Result<(), String> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let inside = self.depth - current.depth;
        let mut of_attributes = Vec::new();
        for (at, target) in self.targets.iter_mut().enumerate() {
            if inside > 0 && target.open + 1 == inside {
                let name = target.path.elements.get(inside - 1);
                target.open += usize::from(name.is_some_and(|name| name.fits(element.name())));
            }
            if target.open != inside || target.path.elements.len() != inside {
                continue;
            }
            match &target.path.attribute {
                Some(name) => of_attributes.push((at, name, target.purpose)),
                None => {
                    let capture = Capture { target: at, depth: self.depth, text: String::new() };
                    current.captures.push(capture);
                }
            }
        }
        if of_attributes.is_empty() {
            return Ok(());
        }
        let conditions = self.record.steps.last().map_or(&[][..], |step| &step.conditions);
        let mut given = Vec::new();
        element.attributes(|name, value| {
            for (at, wanted, purpose) in &of_attributes {
                if wanted.fits(name) && !given.contains(at) {
                    given.push(*at);
                    let value = match value() {
                        Value::Text(value) => value,
                        Value::Unreadable(value) => {
                            if matches!(purpose, Use::Email | Use::Condition(_)) {
                                current.fault.get_or_insert(Fault::Entity);
                            }
                            value
                        }
                    };
                    current.deliver(*purpose, value, |at| conditions.get(at).map(|c| &c.test));
                }
            }
            match given.len() < of_attributes.len() {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })
    }

    fn finish(&mut self, current: &Current) -> ControlFlow<()> {
        if !current.holds.iter().all(|holds| *holds) {
            self.assembler.report.unselected += 1;
            return ControlFlow::Continue(());
        }
        let first = current.emails.first().map_or("", String::as_str);
        if let Some(fault) = current.fault {
            self.assembler.bad(current.line, fault, first);
            return ControlFlow::Continue(());
        }
        let emails: Vec<_> = current.emails.iter().map(String::as_str).collect();
        let raw = Raw {
            line: current.line,
            emails: &emails,
            date: &current.date,
            reason: &current.reason,
            kind: &current.kind,
            scope: &current.scope,
            until: &current.until,
            clues: Clues { everybody: self.plan.everybody, ..Clues::default() },
        };
        self.assembler.take(self.plan, &raw)
    }
}

impl Current {
    fn deliver<'t>(
        &mut self,
        purpose: Use,
        value: String,
        test: impl Fn(usize) -> Option<&'t Test>,
    ) {
        self.size += value.len() + 1;
        if self.size > VALUES_MAX {
            self.fault.get_or_insert(Fault::TooLong);
            return;
        }
        match purpose {
            Use::Condition(at) => {
                let value = value.trim();
                let Some(holds) = self.holds.get_mut(at) else { return };
                match test(at) {
                    Some(Test::Present) => *holds = true,
                    Some(Test::Equal(wanted)) => *holds |= value == wanted,
                    Some(Test::NotEqual(unwanted)) => *holds &= value != unwanted,
                    None => {}
                }
            }
            _ if value.trim().is_empty() => {}
            Use::Email => self.emails.push(value),
            Use::Date => self.date = value,
            Use::Reason => self.reason = value,
            Use::Kind => self.kind = value,
            Use::Scope => self.scope = value,
            Use::Until => self.until = value,
        }
    }

    fn add(&mut self, text: &str) {
        for capture in &mut self.captures {
            self.size += text.len();
            if self.size > VALUES_MAX {
                self.fault.get_or_insert(Fault::TooLong);
            } else {
                capture.text.push_str(text);
            }
        }
    }
}

impl Visitor for Collector<'_, '_> {
    fn start(&mut self, element: &Element<'_>, line: u64) -> Result<(), String> {
        self.depth += 1;
        if !self.went_up && self.first.len() < 6 {
            self.first.push(element.name().chars().take(40).collect());
        }
        if self.current.is_some() {
            return self.enter(element);
        }
        if self.open + 1 != self.depth {
            return Ok(());
        }
        let Some(step) = self.record.steps.get(self.open) else { return Ok(()) };
        if !step.name.fits(element.name()) {
            return Ok(());
        }
        if self.depth == self.record.steps.len() {
            self.open += 1;
            return self.begin(element, line);
        }
        if attributes_hold(step, element)? {
            self.open += 1;
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(current) = &mut self.current {
            current.add(text);
        }
    }

    fn unknown_entity(&mut self, name: &str) {
        let Some(current) = &mut self.current else { return };
        let targets = &self.targets;
        let matters = |capture: &Capture| {
            let purpose = targets.get(capture.target).map(|target| target.purpose);
            matches!(purpose, Some(Use::Email | Use::Condition(_)))
        };
        if current.captures.iter().any(matters) {
            current.fault.get_or_insert(Fault::Entity);
        }
        current.add(&format!("&{name};"));
    }

    fn end(&mut self) -> ControlFlow<()> {
        self.went_up = true;
        let mut flow = ControlFlow::Continue(());
        if let Some(mut current) = self.current.take() {
            let conditions = self.last_step().map_or(&[][..], |step| step.conditions.as_slice());
            while current.captures.last().is_some_and(|capture| capture.depth == self.depth) {
                let Some(capture) = current.captures.pop() else { break };
                let purpose = self.targets.get(capture.target).map(|target| target.purpose);
                if let Some(purpose) = purpose {
                    // Its text was counted when it came.
                    current.size = current.size.saturating_sub(capture.text.len());
                    let test = |at: usize| conditions.get(at).map(|condition| &condition.test);
                    current.deliver(purpose, capture.text, test);
                }
            }
            let inside = self.depth - current.depth;
            for target in &mut self.targets {
                target.open = target.open.min(inside.saturating_sub(1));
            }
            match current.depth == self.depth {
                true => flow = self.finish(&current),
                false => self.current = Some(current),
            }
        }
        self.depth -= 1;
        self.open = self.open.min(self.depth);
        flow
    }
}

/// Conditions of a step before the last: on its own attributes only.
fn attributes_hold(step: &Step, element: &Element<'_>) -> Result<bool, String> {
    let mut hold = true;
    for condition in &step.conditions {
        let Some(wanted) = &condition.operand.attribute else { continue };
        let mut found = None;
        element.attributes(|name, value| {
            if !wanted.fits(name) {
                return ControlFlow::Continue(());
            }
            let (Value::Text(value) | Value::Unreadable(value)) = value();
            found = Some(value);
            ControlFlow::Break(())
        })?;
        let found = found.as_deref().map(str::trim);
        hold &= match &condition.test {
            Test::Present => found.is_some(),
            Test::Equal(value) => found == Some(value),
            Test::NotEqual(value) => found != Some(value),
        };
    }
    Ok(hold)
}
