//! The live lists for those who block: commands and the control socket.

use std::sync::{Arc, OnceLock};

use policy::{Answered, LiveLists, Lookups, Question};
use tokio::runtime::{Builder, Handle, Runtime};

use super::lists::{AskedLists, Consulted, LiveSources};
use crate::error::AppError;
use crate::keeper::LedgerLists;

/// Recipients asked about in one question.
const TOGETHER: usize = 200;

/// Asks live lists, and blocks until they have answered. Not to be used inside of a runtime.
pub struct Consultant {
    sources: Arc<LiveSources>,
    runner: Runner,
}

enum Runner {
    /// The gate's: its connections belong to it.
    Gate(Handle),
    /// One of our own, made when it is needed.
    Own(OnceLock<Runtime>),
}

impl Consultant {
    /// With the connections of a running gate.
    pub fn of_gate(sources: Arc<LiveSources>, runtime: Handle) -> Self {
        Self { sources, runner: Runner::Gate(runtime) }
    }

    /// With connections of its own.
    pub fn alone(sources: Arc<LiveSources>) -> Self {
        Self { sources, runner: Runner::Own(OnceLock::new()) }
    }

    /// The lists.
    pub fn sources(&self) -> &Arc<LiveSources> {
        &self.sources
    }

    /// The answers to these questions, as the gate gets them.
    ///
    /// # Errors
    /// When no runtime can be had.
    pub fn ask(
        &self,
        lists: &LedgerLists,
        questions: Vec<Question>,
    ) -> Result<Vec<Answered>, AppError> {
        let asked = AskedLists::new(lists.clone(), Arc::clone(&self.sources));
        let mut all = Vec::with_capacity(questions.len());
        for some in questions.chunks(TOGETHER) {
            all.extend(self.block_on(asked.ask(some.to_vec()))?);
        }
        Ok(all)
    }

    /// The answers for one recipient, and how they came about.
    ///
    /// # Errors
    /// When no runtime can be had.
    pub fn explain(
        &self,
        lists: &LedgerLists,
        question: Question,
    ) -> Result<(Lookups, Vec<Consulted>), AppError> {
        self.block_on(self.sources.explain(lists, question))
    }

    /// What is told where no list had to be asked.
    pub fn not_needed(&self) -> Vec<Consulted> {
        self.sources.outside().iter().map(|list| Consulted::not_asked(&list.name)).collect()
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> Result<T, AppError> {
        match &self.runner {
            Runner::Gate(handle) => Ok(handle.block_on(work)),
            Runner::Own(runtime) => {
                if runtime.get().is_none() {
                    let new = Builder::new_current_thread().enable_all().build();
                    let new = new.map_err(|error| AppError::io("the runtime", error))?;
                    // Another thread may have been quicker: then this one is not needed.
                    let _ = runtime.set(new);
                }
                let gone = || AppError::Unavailable("the runtime is gone".to_owned());
                Ok(runtime.get().ok_or_else(gone)?.block_on(work))
            }
        }
    }
}
