"""`vswin train`: from videos with labels to a model that every command takes.

`examples` joins rows and files, `inspection` opens every file and keeps its features, `splits`
says which clips train, `head` fits a head to the features, `learning` trains all weights on what
`clips` reads and `augmentation` varies, `outputs` writes the folder.
"""
