"""From the ledger to what is learned from: which stories, on which side, as which tokens."""
