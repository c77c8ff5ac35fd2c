"""Texts in English and Chinese: phrase books, and errors that exist in both languages."""
