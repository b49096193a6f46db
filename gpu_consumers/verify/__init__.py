"""Checks that an engine still sounds as it did: replay audit, voice lock, golden utterances."""
