"""Charts in SVG: loss curves, scatter, bars, histograms, heat tables; lines for terminals."""
