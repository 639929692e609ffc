"""Process instances in Flowable."""
