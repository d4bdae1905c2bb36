//! What ledger entries mean, and the exact index that answers for an address
