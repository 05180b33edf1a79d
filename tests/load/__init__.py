"""The platform under people at work, driven by Locust, and held to what it promises."""
