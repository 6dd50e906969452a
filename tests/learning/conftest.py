"""These tests run torch in this process, and one of the others is busy: one thread waits for nobody."""

from finetune.training.libraries import settle

settle(threads=1)
