"""The report: what the judge, the clients, the malformed frames and the benchmark found, on one page."""
