//! One part of a list, looked at and ready to be read.

use std::ops::ControlFlow;
use std::path::Path;

use crate::error::SourceError;
use crate::layout::Layout;
use crate::opening::Opening;
use crate::part::Part;
use crate::progress::{Phase, Progress};
use crate::row::Assembler;
use crate::spec::Spec;

/// A part whose layout is known.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    part: Part,
    layout: Layout<'a>,
}

impl<'a> Reader<'a> {
    /// Looks at all bytes of a part. Gives their digest, and no reader where the part turns out
    /// to be none of the list's, which `warnings` then tells.
    pub(crate) fn open(
        part: Part,
        spec: &'a Spec,
        warnings: &mut Vec<String>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<([u8; 32], Option<Self>), SourceError> {
        let (digest, layout) = Opening { part: &part, spec, warnings, progress }.look()?;
        Ok((digest, layout.map(|layout| Self { part, layout })))
    }

    pub(crate) fn length(&self) -> u64 {
        self.part.length()
    }

    /// For messages: the file, and the member of an archive.
    pub(crate) fn name(&self) -> &Path {
        self.part.name()
    }

    /// The name of the file or member alone.
    pub(crate) fn label(&self) -> String {
        self.part.label()
    }

    /// What it was recognised as.
    pub(crate) fn recognised(&self) -> Option<&'static str> {
        self.layout.recognised()
    }

    /// How it was understood, in one line.
    pub(crate) fn describe(&self) -> String {
        self.layout.describe()
    }

    /// Hands all rows to the assembler, until it breaks.
    pub(crate) fn read(
        &self,
        phase: Phase,
        progress: &mut dyn FnMut(Progress),
        assembler: &mut Assembler<'_>,
    ) -> Result<ControlFlow<()>, SourceError> {
        self.layout.read(&self.part, phase, progress, assembler)
    }
}
