"""The standard experiments: each module holds one EXPERIMENT, a question and how it is answered."""
