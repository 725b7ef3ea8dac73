import cinematrix as cx

ratings = cx.read("ratings.csv")  # or cx.ratings(frame): pandas, Polars, Arrow, DuckDB, SciPy, NumPy
train, test = cx.split(ratings, "time")
model = cx.model("deep-mf", preset="fast", seed=1).fit(train)  # needs cinematrix[train]; "als" doesn't
print(cx.evaluate(model, test))  # accuracy with intervals, and the protocol
print(model.recommend(user=42, n=10))  # titles, expected stars, reasons
print(model.recommend(history={318: 5.0, 1: 2.0}))  # anybody, from a few ratings
print(model.explain(user=42, movie=318))
model.save("model", force=True)  # for cx.load, and for: cinematrix serve model
