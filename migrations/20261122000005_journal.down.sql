-- Its policies, grants and index go with it.
drop table journal;
