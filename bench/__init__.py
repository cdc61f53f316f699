"""Side-by-side measurements. Run by hand or by `make bench`; never part of the test suite."""
