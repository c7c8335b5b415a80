//! How results are shown; the same for every face.
