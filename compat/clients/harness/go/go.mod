module odradek.test/feats

go 1.24
