//! System and scenario files: their language, their mistakes, their checked form.
