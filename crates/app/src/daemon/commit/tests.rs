use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::*;

async fn answer(commit: Commit) -> bool {
    match commit {
        Commit::Done(written) => written,
        Commit::Pending(written) => written.await,
    }
}

#[tokio::test]
async fn all_who_come_during_one_sync_share_the_next() {
    let (allow, allowed) = mpsc::channel::<io::Result<()>>();
    let (begin, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let committer = Committer::start(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        begin.send(()).unwrap();
        allowed.recv().unwrap()
    })
    .unwrap();
    let first = committer.commit();
    begun.recv().await.unwrap();
    let others: Vec<_> = (0..50).map(|_| committer.commit()).collect();
    allow.send(Ok(())).unwrap();
    assert!(answer(first).await);
    begun.recv().await.unwrap();
    allow.send(Ok(())).unwrap();
    for other in others {
        assert!(answer(other).await);
    }
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn whoever_waited_for_a_sync_that_fails_is_told_no_and_the_next_is_asked_anew() {
    let (allow, allowed) = mpsc::channel::<io::Result<()>>();
    let committer = Committer::start(move || allowed.recv().unwrap()).unwrap();
    let first = committer.commit();
    allow.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
    assert!(!answer(first).await);
    let second = committer.commit();
    allow.send(Ok(())).unwrap();
    assert!(answer(second).await);
}

#[tokio::test]
async fn nobody_waits_for_a_thread_that_is_gone() {
    let committer = Committer::start(|| panic!("the test's own")).unwrap();
    assert!(!answer(committer.commit()).await);
    while !committer.queue.lock().over {
        tokio::task::yield_now().await;
    }
    assert!(matches!(committer.commit(), Commit::Done(false)));
}

#[tokio::test]
async fn those_who_wait_at_the_end_are_served() {
    let committer = Committer::start(|| Ok(())).unwrap();
    let waiting: Vec<_> = (0..10).map(|_| committer.commit()).collect();
    drop(committer);
    for commit in waiting {
        assert!(answer(commit).await);
    }
}
